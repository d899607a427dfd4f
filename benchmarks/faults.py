"""Kills: trainings, comparisons and bulk predictions are stopped at random moments, resumed, and compared.

A command is killed (SIGKILL) and run again until it finishes; its files must then equal those of an undisturbed run,
weights and predictions bit for bit. Writes results/faults.json.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import RESULTS, save_tiny_encoder, write_results

from bbc_classifier.io import file_sha256, read_json

TOPICS = {"business": "shares and the market", "sport": "a goal in the match", "tech": "phone and software"}
# Their content has times in it. The metrics of results.json are compared.
TIMED = {"record.json", "history.json", "results.json", "results.csv", "report.html", "report.md", "predictions.json"}
COMMANDS = ("train", "compare", "predict")
# One thread: sums in another order are other bits.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path.cwd())}


class Command:
    """A command of the package on tiny data; `name` is train, compare or predict."""

    def __init__(self, name: str, work: Path, steps: int, rows: int):
        every = str(max(1, steps // 20))
        training = ["--dataset", str(work / "articles.jsonl"), "--max_steps", str(steps), "--max_length", "24"]
        training += ["--use_cpu", "--disable_tqdm", "--precision", "fp32", "--learning_rate", "1e-3"]
        training += ["--encoder_dropout", "0.1", "--classifier_dropout", "0.3", "--early_stopping_patience", "0"]
        training += ["--eval_strategy", "steps", "--save_strategy", "steps"]
        training += ["--save_steps", every, "--eval_steps", every, "--logging_steps", every]
        encoder = str(work / "encoder")
        self.name = name
        self.arguments = {
            "train": ["train", "--encoder", encoder, "--resume_from_checkpoint", "last", *training],
            "compare": ["compare", "--encoders", encoder, "--poolings", "cls", "mean", "--folds", "2", *training],
            "predict": ["predict", "--model", str(work / "classifier"), "--input", str(work / "rows.jsonl")],
        }[name]
        self.arguments += ["--shard_rows", str(max(1, rows // 200))] if name == "predict" else []

    def run(self, output_dir: Path, kill_after: float | None = None) -> tuple[bool, float]:
        """Run it, and kill it after so many seconds; return whether it finished and the seconds."""
        command = [sys.executable, "-m", "bbc_classifier", *self.arguments, "--output_dir", str(output_dir)]
        started = time.perf_counter()
        try:  # `run` kills the process when the time is over
            process = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=kill_after)
        except subprocess.TimeoutExpired:
            return False, time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(f"{self.name} ended with {process.returncode}: {process.stderr[-2000:]}")
        return True, time.perf_counter() - started


def make_data(work: Path, rows: int) -> None:
    """Write a tiny encoder, sixty articles, a classifier trained on them, and rows to predict."""
    save_tiny_encoder(work / "encoder")
    labels = list(TOPICS)
    # Every tenth article is about another topic than its words say.
    articles = [
        {"text": f"{TOPICS[labels[(row + (row % 10 == 0)) % 3]]} {row} {row * row}", "label": labels[row % 3]}
        for row in range(60)
    ]
    # Some rows to predict are invalid.
    texts = [{"id": row, "text": "" if row % 97 == 0 else f"{TOPICS[labels[row % 3]]} {row}"} for row in range(rows)]
    for name, table in (("articles", articles), ("rows", texts)):
        (work / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table), encoding="utf-8")
    Command("train", work, steps=4, rows=rows).run(work / "classifier")


def contents(directory: Path) -> dict[str, Any]:
    """Return the hash of every file, hidden leftovers beside the directory included; None for files with times."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    found: dict[str, Any] = {
        path.relative_to(directory).as_posix(): None if path.name in TIMED else file_sha256(path)
        for path in files
        if path.suffix != ".png" and path.name != ".lock"
    }
    if (directory / "results.json").is_file():
        rows = read_json(directory / "results.json")["configurations"]
        found["results.json"] = [(row["name"], row["mean"]) for row in rows]
    return found | {path.name: None for path in directory.parent.glob(f".{directory.name}.*")}


def killed(command: Command, work: Path, kills: int, rng: random.Random) -> dict[str, Any]:
    """Kill a command until so many kills are counted, always running it again, and compare what it wrote."""
    reference = work / f"{command.name}-reference"
    (_, lifetime), moments, unequal, finished = command.run(reference), [], [], 0
    while len(moments) < kills:
        output_dir, is_finished = work / f"{command.name}-killed-{finished}", False
        while not is_finished:
            is_finished, seconds = command.run(output_dir, rng.uniform(0, lifetime) if len(moments) < kills else None)
            moments += [] if is_finished else [round(seconds, 2)]
        finished += 1
        left, right = contents(reference), contents(output_dir)
        unequal += [name for name in left | right if left.get(name, 0) != right.get(name, 0)]
        shutil.rmtree(output_dir)
    seconds = {"seconds_undisturbed": round(lifetime, 1), "seconds_until_kill": moments}
    return {"kills": len(moments), "finished": finished, "unequal": sorted(unequal), **seconds}


def main() -> None:
    """Kill the commands and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS, help="commands to disturb")
    parser.add_argument("--kills", type=int, default=30, help="kills of each command (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="steps of a training (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=60_000, help="rows of a prediction (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="of the moments (default: %(default)s)")
    parser.add_argument("--output_file", type=Path, default=RESULTS / "faults.json", help="default: %(default)s")
    args = parser.parse_args()
    record: dict[str, Any] = {"seed": args.seed, "steps": args.steps, "rows": args.rows, "commands": {}}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        make_data(work, args.rows)
        for command in (Command(name, work, args.steps, args.rows) for name in args.commands):
            record["commands"][command.name] = killed(command, work, args.kills, random.Random(args.seed))
            print(f"{command.name}: {record['commands'][command.name]}", flush=True)
    write_results(args.output_file, record)


if __name__ == "__main__":
    main()
