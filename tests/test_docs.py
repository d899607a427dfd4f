"""README and docs: every command has options that exist, every Python import exists, every link resolves."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from bbc_classifier.cli import COMMANDS, OptionParser

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


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_blocks_parse_and_import_what_exists(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names)


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
    listed = re.findall(r"^\| `([\w/]+\.py)` \|", page, flags=re.MULTILINE)
    files = [path for path in package.rglob("*.py") if path.name != "__init__.py" or path.parent == package]
    assert sorted(listed) == sorted(path.relative_to(package).as_posix() for path in files)
