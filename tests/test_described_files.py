"""The files of a classifier against the hashes in its record."""

import hashlib
from pathlib import Path

import pytest

from bbc_classifier.described_files import described, refuse_other_files
from bbc_classifier.errors import InputError
from bbc_classifier.provenance import settings_file_sha256, settings_sha256
from bbc_classifier.records import write_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_bytes(b'{"a": 1,\n "b": 2}\n')
    (tmp_path / "modeling.py").write_bytes(b"code")
    (tmp_path / "inner").mkdir()
    return tmp_path


def record(folder: Path, part: str = "model", **changes: object) -> Path:
    hashes = {
        "weights_sha256": hashlib.sha256(b"weights").hexdigest(),
        "settings_sha256": settings_sha256(folder),
    }
    write_json(folder / "record.json", {"schema": 1, part: {**hashes, **changes}})
    return folder / "record.json"


def check(folder: Path, file: Path) -> None:
    refuse_other_files("'it'", file, folder / "model.safetensors", lambda name: folder / name)


def test_settings_are_what_is_neither_weights_nor_code(folder):
    assert settings_sha256(folder) == {"config.json": hashlib.sha256(b'{"a": 1,\n "b": 2}\n').hexdigest()}


@pytest.mark.parametrize("part", ["model", "exported"])
def test_what_is_described_is_used_and_any_other_byte_is_refused_by_name(folder, part):
    file = record(folder, part)
    check(folder, file)
    for name in ("model.safetensors", "config.json"):
        whole = (folder / name).read_bytes()
        for position in range(len(whole)):
            (folder / name).write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            with pytest.raises(InputError, match=rf"^'it': {name} is .{{12}}…, but record.json describes"):
                check(folder, file)
        (folder / name).write_bytes(whole[:-1])
        with pytest.raises(InputError, match="the file is damaged or belongs to another run"):
            check(folder, file)
        (folder / name).write_bytes(whole)


def test_settings_that_are_missing_are_named_unless_they_are_not_asked_after(folder):
    file = record(folder)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"'it' lacks config.json, which record.json describes"):
        check(folder, file)
    refuse_other_files("'it'", file, None, lambda name: None)


def test_line_ends_of_another_system_are_no_damage(folder):
    file = record(folder)
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes().replace(b"\n", b"\r\n"))
    check(folder, file)
    assert settings_file_sha256(folder / "config.json") == settings_sha256(folder)["config.json"]


@pytest.mark.parametrize("content", [[], {}, "x", {"schema": 1}, {"model": "bert-base", "accuracy": 0.9}], ids=repr)
def test_somebody_elses_record_describes_nothing(content, folder):
    write_json(folder / "record.json", content)
    assert described(folder / "record.json") == (None, {})
    check(folder, folder / "record.json")


def test_an_old_record_describes_the_weights_alone(folder):
    weights = hashlib.sha256(b"weights").hexdigest()
    write_json(folder / "record.json", {"schema": 1, "model": {"weights_sha256": weights}})
    (folder / "config.json").write_bytes(b"another")
    check(folder, folder / "record.json")
    (folder / "model.safetensors").write_bytes(b"others")
    with pytest.raises(InputError, match=r"model.safetensors is .*, but record.json describes"):
        check(folder, folder / "record.json")


DAMAGED = {
    "a list": ({"model": []}, "model is a list where an object is meant"),
    "no weights": ({"model": {}}, "model.weights_sha256 is missing"),
    "an export of nothing": ({"exported": None}, "exported is null"),
    "another hash": ({"model": {"weights_sha256": "0"}}, "model.weights_sha256 is '0' where a SHA-256 is meant"),
    "settings that are none": (
        {"model": {"weights_sha256": "0" * 64, "settings_sha256": [1]}},
        "model.settings_sha256 is a list",
    ),
    **{
        f"the name {name!r}": (
            {"model": {"weights_sha256": "0" * 64, "settings_sha256": {name: "0" * 64}}},
            "model.settings_sha256 has a key '.*' where the name of a file is meant",
        )
        for name in ("../secret", "/etc/hostname", "..", ".", "", "a/b", "a\\b", "C:", "*", "n" * 300)
    },
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_record_that_does_not_describe_its_classifier_is_damaged(case, folder):
    content, message = DAMAGED[case]
    write_json(folder / "record.json", {"schema": 1, **content})
    with pytest.raises(InputError, match=rf"^'it': '.*record.json' is damaged: {message}"):
        check(folder, folder / "record.json")


def test_a_record_that_is_no_json_is_damaged(folder):
    file = record(folder)
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"^'it': '.*record.json' is damaged: Expecting"):
        check(folder, file)
