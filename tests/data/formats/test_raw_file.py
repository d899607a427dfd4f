"""What a file must be before it is parsed; of what is wrong, the byte and the line are named."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.formats import raw_file
from bbc_classifier.data.formats.raw_file import check_file, check_fits_memory, check_text
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)
NOT_TEXT = {
    "Latin-1": (b"text,label\ngoal,sport\ncaf\xe9,sport\n", r"line 3: byte 0xE9 at byte 25 is not UTF-8"),
    "the first byte": (b"\x80abc", r"line 1: byte 0x80 at byte 0 is not UTF-8"),
    "a character cut off at the end": ("goal\né".encode()[:-1], r"line 2: byte 0xC3 at byte 5 is not UTF-8"),
    "a surrogate": (b"a\n\xed\xa0\x80", r"line 2: byte 0xED at byte 2 is not UTF-8"),
    "NUL": (b"a\nb\0c", r"line 2: NUL byte at byte 3"),
    "UTF-16": ("goal".encode("utf-16"), r"is UTF-16 \(byte order mark at byte 0\), not UTF-8; convert it"),
    "UTF-16, the other way round": (b"\xfe\xff\0g", r"is UTF-16 \(byte order mark"),
    "UTF-16 without a mark": ("goal".encode("utf-16-le"), r"line 1: NUL byte at byte 1; .*\(UTF-16\?\)"),
}


@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_not_utf8_is_named_by_byte_and_line(name, tmp_path):
    content, message = NOT_TEXT[name]
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        check_text(path)
    assert str(path) in str(refused.value)


@QUICK
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), st.integers(1, 5))
def test_wherever_the_file_is_cut_into_chunks_good_text_passes_and_a_bad_byte_is_found(text, chunk):
    content = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_file, "CHUNK", chunk)
        check_text(_Content(content))
        line = 1 + content.count(b"\n")
        with pytest.raises(InputError, match=f"line {line}: byte 0xFF at byte {len(content)} is not UTF-8"):
            check_text(_Content(content + b"\xffabc"))


class _Content:
    """A file that is never on disk."""

    def __init__(self, content: bytes):
        self.content = content

    def open(self, mode: str):
        import io

        return io.BytesIO(self.content)


def test_only_a_file_with_something_in_it_passes(tmp_path):
    path = tmp_path / "mine.csv"
    with pytest.raises(InputError, match=r"there is no file '.*mine\.csv'"):
        check_file(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"mine\.csv' is empty"):
        check_file(path)
    with pytest.raises(InputError, match="is a folder where a file is meant"):
        check_file(tmp_path)
    path.write_bytes(b"a")
    check_file(path)


def test_a_file_may_take_half_of_the_free_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=4 << 30))
    path = tmp_path / "mine.csv"
    check_fits_memory(path, 2 << 30)
    message = (
        r"takes at least 3\.0 GiB once unpacked; half of the free memory \(4\.0 GiB\) is the limit: split the file"
    )
    with pytest.raises(InputError, match=message):
        check_fits_memory(path, 3 << 30)


def test_the_size_on_disk_counts_too(tmp_path, monkeypatch):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"a" * 100)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=199))
    with pytest.raises(InputError, match="half of the free memory"):
        check_file(path)
