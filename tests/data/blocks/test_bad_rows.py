"""A row that cannot be read costs that row alone, and is told by its number, its line and what is wrong."""

import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.data.blocks.block import BadRow
from bbc_classifier.data.blocks.open_blocks import open_blocks
from bbc_classifier.errors import InputError

LONG = 1_000_001
BAD = {
    "a cell too many": (
        ".csv",
        b"id,text\n1,a\n2,b,c\n3,d\n",
        [BadRow(2, 3, "3 cells where the header has 2")],
        ["a", "d"],
    ),
    "a cell too few": (".tsv", b"id\ttext\n1\n2\tb\n", [BadRow(1, 2, "1 cell where the header has 2")], ["b"]),
    "a mark inside": (
        ".csv",
        b'id,text\n1,"x"y\n2,b\n',
        [BadRow(1, 2, "a quotation mark inside a quoted cell; double it")],
        ["b"],
    ),
    "a mark left open at the end": (
        ".csv",
        b'id,text\n1,a\n2,"b\n3,c\n',
        [BadRow(2, 3, "a quotation mark is never closed")],
        ["a"],
    ),
    "a mark left open long before the end": (
        ".csv",
        b'id,text\n1,"a\n' + b"x" * LONG + b"\n3,c\n",
        [
            BadRow(1, 2, "a cell is longer than 1,000,000 characters (a quotation mark that is never closed?)"),
        ],
        ["c"],
    ),
    "bytes of another encoding": (
        ".csv",
        b"id,text\n1,caf\xe9\n2,\xc3\xa9\n",
        [BadRow(1, 2, "byte 0xE9 at byte 5 of line 2 is not UTF-8")],
        ["é"],
    ),
    "several lines of a cell": (
        ".csv",
        b'id,text\n1,"a\nb"\n2\n',
        [BadRow(2, 4, "1 cell where the header has 2")],
        ["a\nb"],
    ),
    "a line that is no JSON": (
        ".jsonl",
        b'{"text":"a"}\n{oops\n\n{"text":"b"}\n',
        [BadRow(2, 2, "not JSON: Expecting property name enclosed in double quotes at column 2")],
        ["a", "b"],
    ),
    "a list": (".jsonl", b'[1]\n{"text":"b"}\n', [BadRow(1, 1, "a list where an object with a text is meant")], ["b"]),
    "a number for a text": (
        ".jsonl",
        b'{"text":1}\n{"text":"b"}\n',
        [BadRow(1, 1, "column 'text': a whole number where a text is meant")],
        ["b"],
    ),
    "half a character": (
        ".jsonl",
        b'{"text":"\\ud800"}\n{"text":"\\ud83c\\udfac"}\n',
        [BadRow(1, 1, "holds half a character (a lone surrogate)")],
        ["🎬"],
    ),
    "a key twice": (
        ".jsonl",
        b'{"text":"a","text":"b"}\n{"text":"c"}\n',
        [BadRow(1, 1, "the key 'text' is there twice; each needs a name of its own")],
        ["c"],
    ),
    "lists in lists": (
        ".jsonl",
        b'{"text":"a","x":' + b"[" * 900 + b"]" * 900 + b'}\n{"text":"b","x":' + b"[" * 99 + b"]" * 99 + b"}\n",
        [BadRow(1, 1, "lists and objects lie in each other more than 100 deep")],
        ["b"],
    ),
    "a line of another encoding": (
        ".txt",
        b"one\ntw\xf6\nthree",
        [BadRow(2, 2, "byte 0xF6 at byte 2 of line 2 is not UTF-8")],
        ["one", "three"],
    ),
    "a carriage return inside a line": (
        ".txt",
        b"one\rtwo\r\nthree\r\r\nfour\r",
        [BadRow(1, 1, "a carriage return alone; lines end with a line feed")],
        ["three", "four"],
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_bad_row_is_told_and_the_others_are_read(tmp_path, name, size):
    ending, content, expected, texts = BAD[name]
    path = tmp_path / f"rows{ending}"
    path.write_bytes(content)
    file = open_blocks(path)
    schema, blocks = file.survey(size)
    # The text is a column of text, whatever some rows hold there.
    schema = schema.set(schema.get_field_index("text"), pa.field("text", pa.string()))
    parts = [file.read(block, schema, ["text"]) for block in blocks]
    assert [bad for part in parts for bad in part.bad] == expected
    assert [text for part in parts for text in part.table["text"].to_pylist()] == texts
    numbers = [number for part in parts for number in part.numbers] + [bad.row for bad in expected]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".txt"])
def test_a_line_without_an_end_is_one_bad_row(tmp_path, monkeypatch, ending):
    monkeypatch.setattr("bbc_classifier.data.blocks.counted_lines.LONGEST_LINE", 100)
    path = tmp_path / f"rows{ending}"
    head = {".csv": "text\n", ".jsonl": "", ".txt": ""}[ending]
    row = '{{"text": "{}"}}\n' if ending == ".jsonl" else "{}\n"
    path.write_text(head + row.format("a") + row.format("x" * 950) + row.format("b"))
    file = open_blocks(path)
    schema, (block,) = file.survey(10)
    rows = file.read(block, schema, ["text"])
    assert rows.table["text"].to_pylist() == ["a", "b"]
    assert [(bad.row, bad.reason) for bad in rows.bad] == [(2, "a line is longer than 0 MiB")]


WHOLE = {
    "no row": (".csv", b"id,text\n", "holds no row"),
    "no row in lines": (".jsonl", b"\n\n", "holds no row"),
    "no object in lines": (".jsonl", b"{oops\n[1]\n", "no line of it is an object with a text"),
    "nothing": (".csv", b"", "is empty"),
    "another encoding": (".csv", "id,text\n1,a\n".encode("utf-16"), "is UTF-16"),
    "an archive": (".jsonl", b"\x1f\x8b\x08\0\0\0", "is a gzip file"),
    "another separator": (".csv", b"id;text\n1;a\n", "add --delimiter ';'"),
    "a name twice": (".csv", b"text,text\n1,a\n", "2 columns have the name 'text'"),
    "no Parquet": (".parquet", b"id,text\n", "is not a Parquet file"),
    "half a Parquet file": (".parquet", b"PAR1\0\0", "is a damaged Parquet file"),
    "too many keys": (".jsonl", b"{" + b",".join(b'"k%d":1' % key for key in range(1001)) + b"}\n", "more than 1,000"),
    "an unknown ending": (".xlsx", b"x", "the ending '.xlsx' is none of"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_damaged_as_a_whole_is_refused(tmp_path, name):
    ending, content, message = WHOLE[name]
    path = tmp_path / f"rows{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        open_blocks(path).survey(10)
    assert message in str(raised.value) and path.name in str(raised.value)


def test_damage_in_the_middle_of_a_parquet_file_costs_the_blocks_that_it_hits(tmp_path):
    path = tmp_path / "rows.parquet"
    texts = [f"text {row}" for row in range(3000)]
    parquet.write_table(
        pa.table({"text": texts}), path, row_group_size=1000, compression="snappy", use_dictionary=False
    )
    start = parquet.read_metadata(path).row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    file = open_blocks(path)
    schema, blocks = file.survey(500)
    read: list[str] = []
    broken = []
    for block in blocks:
        try:
            read += file.read(block, schema, ["text"]).table["text"].to_pylist()
        except InputError as error:
            assert "is a damaged Parquet file" in str(error)
            broken.append(block.first)
    assert broken == [1000, 1500] and read == texts[:1000] + texts[2000:]


def test_a_column_that_its_parts_call_otherwise_is_damage_or_none(tmp_path):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"text": ["a"] * 9, "section": ["b"] * 9}), path)
    content = path.read_bytes()
    # The name stands in the schema, and then in what is said of the column.
    at = content.index(b"section", content.index(b"section") + 1)
    path.write_bytes(content[:at] + b"sextion" + content[at + 7 :])
    file = open_blocks(path)
    schema, (block,) = file.survey(100)
    assert file.read(block, schema, ["text"]).table["section"].to_pylist() == ["b"] * 9


def test_a_file_that_became_shorter_is_told(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text\n" + "a\n" * 10)
    file = open_blocks(path)
    schema, blocks = file.survey(4)
    path.write_text("text\n" + "a\n" * 6)
    with pytest.raises(InputError, match="is shorter than it was"):
        file.read(blocks[1], schema, ["text"])


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".txt"])
def test_a_survey_takes_no_more_memory_for_a_longer_file(tmp_path, ending):
    def peak(rows: int) -> int:
        path = Path(tmp_path / f"rows{ending}")
        row = '{{"id": {0}, "text": "a goal {0}"}}\n' if ending == ".jsonl" else "{0},a goal\n"
        path.write_text(("id,text\n" if ending == ".csv" else "") + "".join(row.format(at) for at in range(rows)))
        tracemalloc.start()
        open_blocks(path).survey(5000)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few = peak(5_000)
    assert peak(50_000) < 1.2 * few + 20_000


def test_a_survey_of_long_texts_takes_no_more_memory_for_more_of_them(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text((json.dumps({"text": "x" * 50_000, "by": {"name": "y" * 50_000}}) + "\n") * 200)
    tracemalloc.start()
    open_blocks(path).survey(5000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3_000_000
