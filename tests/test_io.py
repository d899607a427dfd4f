"""Atomic writing and locks; records without paths of a machine."""

import errno
import os
from pathlib import Path

import pytest

from bbc_classifier import provenance
from bbc_classifier.errors import EnvironmentFailure
from bbc_classifier.io import atomic_write, directory_lock, read_json, slug, write_json
from tests.tiny import run_python


def test_a_file_or_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file, directory = tmp_path / "a" / "file.json", tmp_path / "b" / "directory"
    for number, keep_others in enumerate((False, True, False)):
        write_json(file, number)
        with atomic_write(directory, keep_others=keep_others) as tmp:
            tmp.mkdir()
            write_json(tmp / f"{number}.json", number)
        assert (read_json(file), len(list(directory.iterdir()))) == (number, 1 + keep_others)
    assert sorted(path.name for path in tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "new" / "result"
    with pytest.raises(KeyError), atomic_write(path) as tmp:
        tmp.mkdir() if kind == "directory" else tmp.write_text("half")
        raise KeyError
    with pytest.raises(ValueError):
        write_json(path, {"x": float("nan")})
    assert list(path.parent.iterdir()) == []
    write_json(path, {"kept": True})
    with pytest.raises(EnvironmentFailure, match="space"), atomic_write(path) as tmp:
        tmp.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert read_json(path) == {"kept": True}


def test_a_second_process_is_refused_and_the_lock_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one"
    code = f"import bbc_classifier.io as io\nwith io.directory_lock(io.Path({str(path)!r}), 'training'): pass"
    with directory_lock(path, "training"):
        message = run_python("-c", code, returncode=1).stderr
        assert "UserError" in message and "training" in message
    assert list(path.parent.iterdir()) == []
    run_python("-c", code)


def test_a_record_holds_no_path_of_this_machine_and_a_name_keeps_what_follows_a_dot(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    assert provenance.without_local_paths({"label_separator": "/"}) == {"label_separator": "/"}
    values = [str(tmp_path / "x.csv"), "owner/name", "y/*.csv", "~/y", "here/../here", r"C:\data\z.csv"]
    assert provenance.without_local_paths(values) == ["x.csv", "owner/name", "*.csv", "y", "here", "z.csv"]
    assert slug("Tickets 2026.csv") == "Tickets-2026"
    assert slug("bge-small-en-v1.5-cls-seed42") == "bge-small-en-v1-5-cls-seed42"
