"""A record is whole or not there, reads back as it was written, and holds no number that JSON has no word for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.errors import InputError
from bbc_classifier.records import parse_json, read_json, write_json, write_text, written_whole

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), PLAIN))
def test_what_is_written_reads_back_equal(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("records") / "record.json"
    write_json(path, content)
    assert read_json(path) == content


def test_missing_folders_are_made(tmp_path):
    write_json(tmp_path / "a" / "b" / "record.json", [1])
    assert read_json(tmp_path / "a" / "b" / "record.json") == [1]


def test_the_file_is_readable_text_with_line_feeds(tmp_path):
    write_json(tmp_path / "record.json", {"price": "£5", "n": 1})
    assert (tmp_path / "record.json").read_bytes() == '{\n  "price": "£5",\n  "n": 1\n}\n'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_refused_and_the_old_file_stays(tmp_path, number):
    path = tmp_path / "record.json"
    write_json(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"metrics": {"loss": number}})
    assert read_json(path) == {"loss": 1.0}
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_text_that_cannot_be_encoded_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "card.md"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["card.md"]


@pytest.mark.parametrize("crash", [OSError, KeyboardInterrupt])
def test_a_crash_in_the_middle_of_writing_leaves_the_old_file_and_no_other(tmp_path, crash):
    path = tmp_path / "record.json"
    write_text(path, "old")
    with pytest.raises(crash), written_whole(path) as beside:
        beside.write_text("ha")
        assert path.read_text() == "old"
        raise crash
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_in_the_way_is_an_error_that_leaves_nothing_behind(tmp_path):
    (tmp_path / "record.json").mkdir()
    with pytest.raises(OSError):
        write_json(tmp_path / "record.json", {})
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_a_half_written_file_is_not_read(tmp_path):
    (tmp_path / "record.json").write_text('{"a": ')
    with pytest.raises(InputError, match=r"record.json' is damaged"):
        read_json(tmp_path / "record.json")


DAMAGED = {
    "nothing": (b"", "Expecting value"),
    "half": (b'{"a": 1', "Expecting ',' delimiter"),
    "other bytes": (b'{"a": "\xff"}', "codec can't decode byte 0xff"),
    "NaN": (b'{"a": NaN}', "NaN is no number"),
    "an infinity": (b"[-Infinity]", "-Infinity is no number"),
    "beyond any number": (b"[1e999]", "1e999 is larger than any number"),
    "endless digits": (b"9" * 100_000, "Exceeds the limit"),
    "deep lists": (b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000, "nested too deeply"),
    "half a character": (b'["\\ud800"]', "half a character"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_with_what_is_wrong(name, tmp_path):
    content, message = DAMAGED[name]
    (tmp_path / "record.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"record.json' is damaged: .*{message}"):
        read_json(tmp_path / "record.json")


def test_a_whole_character_in_two_halves_is_read():
    assert parse_json(b'["\\ud83d\\ude00"]', "x") == ["😀"]
