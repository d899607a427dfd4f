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
    write_json(folder / "record.json", {part: {**hashes, **changes}})
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


@pytest.mark.parametrize(
    "content",
    [[], {}, {"model": []}, {"model": {"settings_sha256": [1]}}, {"exported": None}, {"model": {"labels": []}}],
    ids=repr,
)
def test_what_is_no_record_of_ours_describes_nothing(content, tmp_path):
    write_json(tmp_path / "record.json", content)
    assert described(tmp_path / "record.json") == (None, {})
    (tmp_path / "record.json").write_text("{", encoding="utf-8")
    assert described(tmp_path / "record.json") == (None, {})


def test_no_name_in_a_record_leads_out_of_the_folder(folder):
    names = {"../secret": "0" * 64, "/etc/hostname": "0" * 64, "a/b": "0" * 64, "config.json": "1" * 64}
    assert described(record(folder, settings_sha256=names)).settings == {"config.json": "1" * 64}
