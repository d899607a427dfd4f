"""A folder of results is there whole or not at all, also where its writing or removal is cut short."""

import shutil
from pathlib import Path

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.folders import check_output_folder, discard, folder_written_whole
from bbc_classifier.records import partial


def fill(folder: Path, content: str = "old") -> Path:
    folder.mkdir(parents=True)
    for name in ("audit.json", "pairs.csv"):
        (folder / name).write_text(content)
    return folder


def interrupt_removal_of(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Let the removal of folders whose names have an ending stop half-way, as a killed process would."""
    rmtree = shutil.rmtree

    def half(path, *args, **kwargs):
        if path.name.endswith(ending) and path.exists():
            next(path.iterdir()).unlink()
            raise KeyboardInterrupt
        rmtree(path, *args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", half)


def test_a_removal_that_is_cut_short_leaves_no_half_folder_in_the_place(tmp_path, monkeypatch):
    folder = fill(tmp_path / "audit")
    with monkeypatch.context() as patch:
        interrupt_removal_of(patch, "audit.old")
        with pytest.raises(KeyboardInterrupt):
            discard(folder)
    assert not folder.exists()
    discard(fill(folder))
    assert list(tmp_path.iterdir()) == []


def test_a_replacement_that_is_cut_short_has_the_new_folder_whole(tmp_path, monkeypatch):
    folder = fill(tmp_path / "audit")
    with monkeypatch.context() as patch:
        interrupt_removal_of(patch, "audit.old")
        with pytest.raises(KeyboardInterrupt), folder_written_whole(folder) as beside:
            for name in ("audit.json", "pairs.csv"):
                (beside / name).write_text("new")
    assert {path.read_text() for path in folder.iterdir()} == {"new"}
    assert len(list(folder.iterdir())) == 2
    with folder_written_whole(folder) as beside:
        (beside / "audit.json").write_text("newest")
    assert [path.name for path in tmp_path.iterdir()] == ["audit"]


def check(folder: Path, **options: bool) -> None:
    contents = ("audit.json", "pairs.csv")
    check_output_folder(folder, **{"overwrite": False, "kind": "audit", "contents": contents, **options})


def test_what_a_killed_process_was_writing_keeps_nobody_out(tmp_path):
    folder = tmp_path / "audit"
    folder.mkdir()
    partial(folder / "audit.json").write_text("{")
    check(folder)
    (folder / "audit.json").write_text("{}")
    check(folder, overwrite=True)
    with pytest.raises(InputError, match="is not empty"):
        check(folder)


def test_a_strangers_half_written_file_stays(tmp_path):
    folder = fill(tmp_path / "audit")
    partial(folder / "film.mkv").write_text("mine")
    with pytest.raises(InputError, match=r"holds '\.film\.mkv\.partial', which is no part of the audit"):
        check(folder, overwrite=True)
