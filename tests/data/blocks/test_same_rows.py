"""Blocks of any size, read in any order, are the rows that the whole file has."""

import json
import random
import string
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.blocks import block as block_module
from bbc_classifier.data.blocks.block import BlockFile
from bbc_classifier.data.blocks.open_blocks import KINDS, open_blocks
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.data.formats.write import write_table

# What a cell may be: separators, quotation marks, line breaks, and letters of several bytes.
CELLS = st.text(st.sampled_from([*string.ascii_letters, *' ,;"\n\t£éש🎬']), min_size=1, max_size=12)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=40)


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    table = pa.table({"id": [row[0] for row in rows], "text": [row[1] for row in rows]})
    if path.suffix == ".json":
        path.write_text(json.dumps(table.to_pylist()), encoding="utf-8")
    elif path.suffix == ".txt":
        path.write_text("".join(f"{row[1]}\n" for row in rows), encoding="utf-8", newline="\n")
    elif path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=7)
    else:
        write_table(path, table, line="text")


def read_blocks(file: BlockFile, size: int, order: random.Random | None = None) -> pa.Table:
    schema, blocks = file.survey(size)
    assert all(0 < one.rows <= size for one in blocks)
    assert [one.first for one in blocks] == [sum(before.rows for before in blocks[:at]) for at in range(len(blocks))]
    places = list(range(len(blocks)))
    if order:
        order.shuffle(places)
    read = {place: file.read(blocks[place], schema, ["text"]) for place in places}
    parts = [read[place] for place in range(len(blocks))]
    assert not any(part.bad for part in parts)
    numbers = [number for part in parts for number in part.numbers]
    assert numbers == list(range(1, len(numbers) + 1))
    return pa.concat_tables(part.table for part in parts)


@pytest.mark.parametrize("ending", KINDS)
@given(rows=TABLES, size=st.integers(1, 45), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_blocks_of_any_size_in_any_order_are_the_whole_file(tmp_path_factory, ending, rows, size, seed):
    path = tmp_path_factory.mktemp("blocks") / f"rows{ending}"
    write(path, rows)
    whole = read_table(path)
    file = open_blocks(path)
    assert read_blocks(file, size).to_pylist() == whole.to_pylist()
    assert read_blocks(file, size, random.Random(seed)).to_pylist() == whole.to_pylist()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".txt"])
def test_line_ends_of_windows_a_byte_order_mark_and_blank_lines_change_nothing(tmp_path, ending):
    path = tmp_path / f"rows{ending}"
    write(path, [(f"n{row}", f"text {row}") for row in range(9)])
    plain = read_blocks(open_blocks(path), 4)
    content = path.read_bytes().replace(b"\n", b"\r\n" if ending == ".txt" else b"\r\n\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + content)
    assert read_blocks(open_blocks(path), 4).equals(plain)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_long_rows_make_blocks_of_fewer(tmp_path, monkeypatch, ending):
    path = tmp_path / f"rows{ending}"
    texts = [f"{row} " * 100 for row in range(1000, 1200)]
    if ending == ".parquet":
        parquet.write_table(pa.table({"text": texts}), path, compression="none", use_dictionary=False)
    else:
        write(path, [("n", text) for text in texts])
    for module in ("text_blocks", "parquet_blocks"):
        monkeypatch.setattr(f"bbc_classifier.data.blocks.{module}.BLOCK_BYTES", 5_000)
    assert block_module.BLOCK_BYTES > 5_000
    file = open_blocks(path)
    _, blocks = file.survey(1000)
    assert len(blocks) >= 20 and max(one.rows for one in blocks) <= 15
    assert read_blocks(file, 1000)["text"].to_pylist() == texts


def test_texts_are_read_packed_only_where_they_are_small(tmp_path, monkeypatch):
    path = tmp_path / "rows.parquet"
    texts = [f"text {row % 3}" for row in range(5000)]
    parquet.write_table(pa.table({"id": range(5000), "text": texts}), path, row_group_size=2000)
    file = open_blocks(path)
    packed = read_blocks(file, 700)
    assert read_blocks(file, 700, random.Random(0)).equals(packed) and read_blocks(file, 90).equals(packed)
    monkeypatch.setattr("bbc_classifier.data.blocks.parquet_blocks.LARGEST_PACKED", 0)
    assert read_blocks(open_blocks(path), 700).equals(packed)
    assert packed["text"].to_pylist() == texts


def test_every_block_of_json_lines_has_the_same_columns(tmp_path):
    rows = [{"text": f"a {row}", "views": row} for row in range(2500)]
    rows[2400] |= {"views": 0.5, "tags": ["x"]}
    rows[2401] |= {"by": "me", "tags": []}
    rows[2402] |= {"by": 3}
    rows[2403] |= {"id": 1 << 70}
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = read_blocks(open_blocks(path), 1000)
    assert table.schema.names == ["text", "views", "tags", "by", "id"]
    assert table.schema.field("views").type == pa.float64() and table.schema.field("tags").type == pa.list_(pa.string())
    # Of several kinds, or too large a number: each value as the JSON it was.
    assert table["by"].to_pylist()[2400:2404] == [None, '"me"', "3", None]
    assert table["id"].to_pylist()[2403] == str(1 << 70)
    assert table["views"].to_pylist()[:2] == [0, 1]


LARGE = (1 << 60) + 1
# Of values that are learnt in several steps: what they come out as.
MIXED = {
    "an object that got its keys later": ([{}, {"a": 1}], [{"a": None}, {"a": 1}]),
    "an object and no object": ([{}, 3], ["{}", "3"]),
    "objects that never get a key": ([{}, None, {}], ["{}", None, "{}"]),
    "numbers that a floating one would round": ([LARGE, 0.5], [str(LARGE), "0.5"]),
    "in lists": ([[LARGE], [], [0.5]], [f"[{LARGE}]", "[]", "[0.5]"]),
    "in objects": ([{"a": 0.5}, {"a": LARGE}], ['{"a": 0.5}', f'{{"a": {LARGE}}}']),
    "numbers that it would not": ([3, 0.5], [3.0, 0.5]),
    "large numbers beside others": ([{"a": LARGE}, {"b": 0.5}], [{"a": LARGE, "b": None}, {"a": None, "b": 0.5}]),
    "no number and a large one": ([float("nan"), LARGE], ["NaN", str(LARGE)]),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_every_value_of_json_comes_out_whatever_came_before(tmp_path, monkeypatch, name, at_once):
    monkeypatch.setattr("bbc_classifier.data.blocks.json_kinds.VALUES_AT_ONCE", at_once)
    values, expected = MIXED[name]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "x": value}) + "\n" for value in values))
    assert read_blocks(open_blocks(path), 2)["x"].to_pylist() == expected
