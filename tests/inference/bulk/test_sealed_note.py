"""A note that was changed is as one that is not there."""

import pytest

from bbc_classifier.cli import main
from bbc_classifier.inference.bulk.sealed_note import read_note, write_note

CONTENT = {"rows": 3, "labels": {"é": 2}, "seconds": 0.1, "bad": [{"row": 1, "line": None}]}


def test_a_note_says_what_was_written(tmp_path):
    write_note(tmp_path / "note.json", CONTENT)
    assert read_note(tmp_path / "note.json") == CONTENT
    assert read_note(tmp_path / "nowhere.json") is None


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_note_in_which_a_byte_changed_is_none(tmp_path, place):
    write_note(tmp_path / "note.json", CONTENT)
    content = bytearray((tmp_path / "note.json").read_bytes())
    # White space between the parts says nothing.
    place = next(at for at in range(place, len(content)) if content[at] not in b" \n")
    content[place] ^= 1
    (tmp_path / "note.json").write_bytes(content)
    assert read_note(tmp_path / "note.json") is None
    (tmp_path / "note.json").write_bytes(content[:place])
    assert read_note(tmp_path / "note.json") is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"7", b"\xff", b'{"seal": 1}'])
def test_what_is_no_note_is_none(tmp_path, content):
    (tmp_path / "note.json").write_bytes(content)
    assert read_note(tmp_path / "note.json") is None


def test_a_damaged_summary_is_told_and_answered_anew_once_it_is_gone(predict, model_folder, inputs, tmp_path, capsys):
    predict()
    summary = tmp_path / "answers" / "summary.json"
    summary.write_text(summary.read_text().replace("195", "196"))
    command = ["predict", "--model", str(model_folder), "--input", str(inputs), "--output", str(tmp_path / "answers")]
    assert main([*command, "--shard_rows", "16"]) == 2
    assert "summary.json' is damaged; remove it" in capsys.readouterr().err
    summary.unlink()
    assert predict().summary["rows"] == 195
