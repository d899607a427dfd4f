"""README and docs: every code block runs, every option exists, every link resolves."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.cli import COMMANDS, OptionParser
from bbc_classifier.io import read_json
from bbc_classifier.model.configuration_pooled_encoder import NAMED_ENCODERS
from tests.hub_server import TOKEN, HubServer
from tests.tiny import save_tiny_encoder

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
IDS = [page.name for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_have_options_that_exist(page: Path) -> None:
    inline = re.findall(r"`(bbc-classifier [a-z]+ [^`…]*)`", page.read_text(encoding="utf-8"))
    for line in [line for block in blocks(page, "bash") for line in block.splitlines()] + inline:
        words = shlex.split(line, comments=True)
        if "bbc-classifier" not in words[:1] and "bbc_classifier" not in words:
            continue
        name, *argv = words[words.index("bbc-classifier" if "bbc-classifier" in words else "bbc_classifier") + 1 :]
        if name in COMMANDS and "--help" not in argv and "--help-all" not in argv:
            OptionParser(name, COMMANDS[name]).parse([word for word in argv if word != "…"])


@pytest.mark.slow
def test_code_blocks_run(tmp_path: Path) -> None:
    """Run them as a user would, in one directory; the encoders of the Hub are tiny ones on the loopback."""
    (tmp_path / "work").mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "work" / "scripts")
    with HubServer() as hub:
        for name, hub_id in NAMED_ENCODERS.items():
            family = {"distilbert": "distilbert", "mpnet": "mpnet"}.get(name, "bert")
            files = save_tiny_encoder(tmp_path / name, family)
            hub.add_repository(hub_id, {path.name: path.read_bytes() for path in files.iterdir()})
        environment = hub.environment(tmp_path / "home", HF_TOKEN=TOKEN, PYTHONPATH=str(ROOT))
        command = [sys.executable, "-m", "tests.docs_blocks", *map(str, PAGES)]
        subprocess.run(command, cwd=tmp_path / "work", env=environment, check=True)


def test_the_picture_has_the_parameters_of_the_default() -> None:
    picture = (ROOT / "docs" / "pipeline.svg").read_text("utf-8")
    counts = [int(count.replace(",", "")) for count in re.findall(r"([\d,]+) parameters<", picture)]
    assert sum(counts) == read_json(ROOT / "results" / "default-seed42.json")["model"]["num_parameters"]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        path, anchor = target
        if path.startswith("http"):
            continue
        linked = (page.parent / path) if path else page
        assert linked.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_architecture_page_names_every_file() -> None:
    package = ROOT / "bbc_classifier"
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w./]+)/` \| (.*) \|$", page, flags=re.MULTILINE)
    listed = [(Path(folder) / name).as_posix() for folder, row in rows for name in re.findall(r"`(\w+\.py)`: ", row)]
    files = [path for path in package.rglob("*.py") if path.name != "__init__.py" or path.parent == package]
    assert sorted(listed) == sorted(path.relative_to(package).as_posix() for path in files)
