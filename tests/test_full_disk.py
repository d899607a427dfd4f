"""A disk that is really full: one sentence whatever library was writing; what was there stays, and no half of a file.

The disk is mounted in memory, which needs Linux and root.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import torch
from matplotlib.figure import Figure

from bbc_classifier.cli import main
from bbc_classifier.data.formats.write import write_table
from bbc_classifier.errors import NoSpace, WorldError
from bbc_classifier.figure_file import save_figure
from bbc_classifier.folders import folder_written_whole
from bbc_classifier.records import write_json, write_text, written_whole
from tests.tiny import tiny_tokenizer

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ROOM = 64 * 1024


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator:
    """A small disk; `disk.leave(bytes)` makes it nearly full."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("fault_cases.small_disk")
    if reason := module.why_no_small_disk():
        pytest.skip(f"a disk that can be filled {reason}")
    with module.small_disk(tmp_path / "disk") as disk:
        yield disk


def into(save: Callable[[Path], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with written_whole(path) as beside:
            save(beside)

    return write


def folder_of_files(path: Path) -> None:
    with folder_written_whole(path) as beside:
        write_text(beside / "small.txt", "small")
        tiny_tokenizer().save_pretrained(beside)
        write_text(beside / "large.txt", "x" * 2 * ROOM)


NUMBERS = np.random.default_rng(0).random(4 * ROOM)
TABLE = pa.table({"number": NUMBERS})


def picture(path: Path) -> None:
    figure = Figure(figsize=(8, 8))
    figure.subplots().imshow(NUMBERS.reshape(512, 512))
    save_figure(figure, path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "record.json": lambda path: write_json(path, NUMBERS.tolist()),
    "README.md": lambda path: write_text(path, "x" * 2 * ROOM),
    "answers.csv": lambda path: write_table(path, TABLE, line="number"),
    "answers.jsonl": lambda path: write_table(path, TABLE, line="number"),
    "answers.parquet": lambda path: write_table(path, TABLE, line="number"),
    "figure.png": picture,
    "optimizer.pt": into(lambda path: torch.save({"a": torch.tensor(NUMBERS)}, path)),
    # So little that it is only written when the file is closed.
    "scheduler.pt": into(lambda path: torch.save({"a": torch.tensor(NUMBERS[:384])}, path)),
    "model.safetensors": into(lambda path: safetensors.torch.save_file({"a": torch.tensor(NUMBERS)}, path)),
    "tokenizer.json": into(lambda path: tiny_tokenizer().backend_tokenizer.save(str(path))),
    "audit": folder_of_files,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("left", [0, 4096, ROOM])
def test_no_space_is_said_and_the_earlier_file_stays(disk, name, left):
    place = disk.place / name
    if name in ("tokenizer.json", "scheduler.pt"):
        left = min(left, 4096)
    write_text(place / "audit.json" if name == "audit" else place, "earlier")
    disk.leave(left)
    with pytest.raises(WorldError, match=f"no space is left on the disk for '.*{name}'|No space left") as refused:
        WRITERS[name](place)
    assert isinstance(refused.value, NoSpace) or name == "audit"
    kept = place / "audit.json" if name == "audit" else place
    assert kept.read_text(encoding="utf-8") == "earlier"
    assert list(disk.place.rglob("*partial*")) == []


def test_another_failure_is_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(RuntimeError, match="size"):
        into(lambda path: torch.ones(2, 2) @ torch.ones(3))(tmp_path / "model")
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file").write_text("")
        write_text(tmp_path / "file" / "inside", "text")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_answers_that_cannot_be_printed_are_no_success(tiny_classifier_folder, capsys, monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main(["predict", "--model", tiny_classifier_folder, "goal match"]) == 1
        monkeypatch.undo()
    error = capsys.readouterr().err
    assert "error: no space is left on the disk" in error and "Traceback" not in error
