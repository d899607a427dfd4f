"""Provenance says what shaped a result, and nothing about whose machine it was."""

import getpass
import hashlib
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bbc_classifier import provenance as module
from bbc_classifier.provenance import (
    RECORDED_PACKAGES,
    commit,
    file_sha256,
    hardware,
    peak_memory_mib,
    provenance,
    versions,
    weights_file,
    without_folders,
)


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings_in(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", [socket.gethostname(), getpass.getuser(), str(Path.home()), str(Path.cwd())])
def test_no_host_user_or_folder_is_named(name):
    assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", json.dumps(provenance()))


def test_no_value_is_a_path():
    assert [text for text in strings_in(provenance()) if text.startswith(("/", "~", "C:\\"))] == []


def test_it_is_plain_data():
    assert json.loads(json.dumps(provenance(), allow_nan=False)) == provenance()


def test_the_versions_of_everything_that_shapes_a_result_are_there():
    found = versions()
    assert set(found) == {"python", *RECORDED_PACKAGES}
    assert all(re.match(r"\d+\.\d+", version) for version in found.values())


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "RECORDED_PACKAGES", ("torch", "no-such-package"))
    assert set(versions()) == {"python", "torch"}


def test_the_hardware_has_cores_and_memory():
    facts = hardware()
    assert facts["cores"] >= 1
    assert facts["memory_gib"] == pytest.approx(psutil.virtual_memory().total / 2**30, abs=0.1)
    assert facts["processor"]


def test_the_peak_is_at_least_what_is_held_now_and_at_most_what_the_machine_has():
    held = psutil.Process().memory_info().rss / 2**20
    peak = peak_memory_mib()["resident"]
    assert 0.9 * held <= peak <= psutil.virtual_memory().total / 2**20


def test_the_peak_grows_with_what_is_allocated():
    # In a process of its own: of this one's earlier peak, the system may have taken back any part.
    code = """if True:
        import numpy as np
        from bbc_classifier.provenance import peak_memory_mib
        before = peak_memory_mib()["resident"]
        block = np.ones(256 * 2**20, dtype=np.uint8)
        during = peak_memory_mib()["resident"]
        del block
        print(before, during, peak_memory_mib()["resident"])
    """
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    before, during, after = map(float, answer.split())
    assert min(during, after) >= before + 200


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of one commit, in which the package seems to lie."""
    (tmp_path / "package").mkdir()
    source = tmp_path / "package" / "provenance.py"
    source.write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "One")
    monkeypatch.setattr(module, "__file__", str(source))
    return tmp_path


def test_a_clean_checkout_gives_its_commit(checkout):
    assert commit() == git(checkout, "rev-parse", "HEAD")


def test_a_changed_file_shows_and_an_untracked_one_does_not(checkout):
    (checkout / "notes.txt").write_text("untracked")
    assert not commit().endswith("+changes")
    (checkout / "package" / "provenance.py").write_text("# changed")
    assert commit() == git(checkout, "rev-parse", "HEAD") + "+changes"


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "package" / "provenance.py"))
    assert commit() is None


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)])
def test_without_a_git_that_answers_there_is_no_commit(checkout, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert commit() is None


def test_a_files_hash_is_its_sha256(tmp_path):
    (tmp_path / "weights").write_bytes(b"abc" * 100_000)
    assert file_sha256(tmp_path / "weights") == hashlib.sha256(b"abc" * 100_000).hexdigest()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], None),
        (["config.json"], None),
        (["pytorch_model.bin", "model.safetensors"], "model.safetensors"),
        (["model-00001-of-00002.safetensors", "model.safetensors.index.json"], "model.safetensors.index.json"),
    ],
)
def test_the_weights_file_is_found_safetensors_first(tmp_path, files, expected):
    for name in files:
        (tmp_path / name).touch()
    found = weights_file(tmp_path)
    assert (found and found.name) == expected


@pytest.mark.parametrize(
    ("option", "recorded"),
    [
        ("/home/ann/news.csv", "news.csv"),
        ("../clients/news.csv", "news.csv"),
        ("~/news.csv", "news.csv"),
        (r"C:\Users\ann\news.csv", "news.csv"),
        (r"\Users\ann\news.csv", "news.csv"),
        ("clients/ann/news.csv", "news.csv"),
        ("owner/name", "owner/name"),
        ("head+tail", "head+tail"),
        ("bbc-news", "bbc-news"),
        ("1e-5", "1e-5"),
        (3, 3),
        (None, None),
    ],
)
def test_a_path_is_recorded_by_its_last_name(tmp_path, monkeypatch, option, recorded):
    (tmp_path / "clients" / "ann").mkdir(parents=True)
    (tmp_path / "clients" / "ann" / "news.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert without_folders({"data": {"files": [option]}}) == {"data": {"files": [recorded]}}
