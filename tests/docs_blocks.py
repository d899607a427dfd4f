"""Run every code block of pages, in order, in the current directory: `python -m tests.docs_blocks PAGE …`.

Commands get options that make them small. Encoders of the Hub are read from the server that HF_ENDPOINT names. `pip`
lines are left out: `.ci/run` installs. A Python block whose first line is `# name.py` is written to that file.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd

from bbc_classifier import cli
from tests.tiny import articles

FEW_ROWS = "--max_train_samples 40 --max_eval_samples 20 --max_length 32 --disable_tqdm true".split()
SMALL = {"train": FEW_ROWS, "compare": [*FEW_ROWS, "--folds", "2", "--seeds", "1"], "push": ["--license", "other"]}


def write_data() -> tuple[list[str], list[str]]:
    """Write the files that the pages name, and return texts and labels."""
    columns = ["body", "team"]
    old, new = (pd.DataFrame(articles("sport", "tech", each=30, start=start), columns=columns) for start in (0, 90))
    for table in (old, new):
        table["subject"] = "About " + table["body"].str.split().str[0]
    names = {"subject": "headline", "team": "desk"}
    old.to_csv("tickets.csv", index=False)
    old.head(16).to_csv("few.csv", index=False)
    new.to_csv("newer.csv", index=False)
    new.drop(columns="team").to_csv("unlabeled.csv", index=False)
    new.rename(columns={"subject": "title"}).drop(columns="team").to_csv("articles.csv", index=False)
    old.rename(columns=names).to_excel("articles.xlsx", index=False)
    new.rename(columns=names).drop(columns="desk").to_excel("new.xlsx", index=False)
    Path("news").mkdir()
    new.assign(id=range(len(new)), text=new["body"]).to_parquet("news/2026-11.parquet")
    return old["body"].to_list(), old["team"].to_list()


def run_command(line: str) -> None:
    """Run one line of a block, `bbc-classifier` in this process; a page is served until it answers."""
    # A shell expands what names existing paths.
    expanded = (sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in shlex.split(line, True))
    words = [word for group in expanded for word in group]
    words += SMALL["train"] if "scripts/train.py" in words else []
    match words[:2]:
        case [] | ["pip" | "hf", *_]:  # the server on the loopback has no Spaces
            return
        case ["bbc-classifier", "demo" | "serve"] | ["python", _]:
            module = ["-m", "bbc_classifier"] if words[0] == "bbc-classifier" else []
            url = "http://127.0.0.1:" + ("8080/health" if words[1] == "serve" else "7860")
            page = subprocess.Popen([sys.executable, *module, *words[1:]])
            for _ in range(120):
                time.sleep(1)
                try:
                    assert urllib.request.urlopen(url).status == 200
                    break
                except OSError:
                    assert page.poll() is None, line
            page.terminate()
            page.wait()
        case ["bbc-classifier", command]:
            assert cli.main([*words[1:], *SMALL.get(command, [])]) == 0, line
        case _:
            beside_python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run([str(shutil.which(words[0], path=beside_python)), *words[1:]], check=True)


def main() -> None:
    """Run the blocks of the pages; the runs and comparisons of a page are there for the next ones."""
    texts, labels = write_data()
    given = set(Path().iterdir())
    for page in sys.argv[1:]:
        for path in [*(set(Path().iterdir()) - given), *Path("runs").glob("*/export")]:
            if path.is_dir() and path.name != "runs" and not path.name.startswith("comparison"):
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        for language, block in re.findall(r"```(bash|python)\n(.*?)```", Path(page).read_text("utf-8"), re.DOTALL):
            print(f"\n== {Path(page).name}: {block.splitlines()[0]}", flush=True)
            if language == "bash":
                for line in block.splitlines():
                    run_command(line)
            elif name := re.match(r"# (\w+\.py)\n", block):
                Path(name[1]).write_text(block, encoding="utf-8")
            else:
                exec(compile(block, page, "exec"), {"texts": texts, "labels": labels, "__name__": "block"})


if __name__ == "__main__":
    main()
