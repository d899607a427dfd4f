"""A refusal of the command line: one sentence, the right exit code, and nothing written."""

import re
from pathlib import Path

import pytest

from bbc_classifier.cli import main

START = "bbc-classifier: error: "
# Long enough for a list of columns, and no text of a row.
LONGEST = 600


def contents(folder: Path) -> dict[str, int]:
    """Return the size of every file in a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*")}


def assert_refused(argv: list[str], message: str, capsys: pytest.CaptureFixture[str], *, code: int = 2) -> None:
    """Run a command in the working folder, which must refuse with a message that a pattern is in."""
    before = contents(Path.cwd())
    capsys.readouterr()
    assert main(argv) == code
    printed = capsys.readouterr()
    errors = [line for line in printed.err.splitlines() if line.startswith(START)]
    assert len(errors) == 1 and len(errors[0]) < LONGEST
    assert re.search(message, errors[0]), errors[0]
    assert "Traceback" not in printed.err and "--debug" not in printed.err
    assert printed.out == ""
    assert contents(Path.cwd()) == before
