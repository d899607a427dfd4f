"""Plain text: a row per line."""

import pytest

from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"a goal\n", ["a goal"]),
        (b"a goal", ["a goal"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\n\n", ["a", ""]),
        (b"\n", [""]),
        ('a\u2028b\x0cc, "d"\n'.encode(), ['a\u2028b\x0cc, "d"']),
    ],
    ids=repr,
)
def test_a_line_is_a_row_and_the_last_line_end_starts_none(content, texts, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    table = read_table(path)
    assert table.schema.names == ["text"]
    assert table["text"].to_pylist() == texts


def test_another_encoding_is_refused(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("a\ncafé\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 2: byte 0xE9 at byte 5 is not UTF-8"):
        read_table(path)
