"""Parquet: every kind of column as it is, damage in a sentence, and no more unpacked than the memory holds."""

import time
import zipfile
from types import SimpleNamespace

import psutil
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from bbc_classifier.data.formats import parquet
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError, WorldError

MEGABYTE = "x" * 1_000_000
COLUMNS = {
    "texts": pa.array(["goal", None, ""]),
    "large texts": pa.array(["goal", None, ""], pa.large_string()),
    "bytes": pa.array([b"goal", None, b"\xff"]),
    "lists": pa.array([["a", "b"], None, []]),
    "large lists": pa.array([["a", "b"], None, []], pa.large_list(pa.large_string())),
    "lists of two": pa.array([["a", "b"], None, ["c", None]], pa.list_(pa.string(), 2)),
    "lists of lists": pa.array([[["a"], []], None, []]),
    "objects": pa.array([{"author": "Ann", "page": 1}, None, {"author": None, "page": 2}]),
    "maps": pa.array([[("a", "b")], None, []], pa.map_(pa.string(), pa.string())),
    "numbers": pa.array([1, None, 3]),
    "fractions": pa.array([1.5, None, float("inf")]),
    "nothing": pa.nulls(3),
}


def write(path, columns, **options):
    table = pa.table(columns)
    arrow_parquet.write_table(table, path, **options)
    return table


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_comes_back_in_any_number_of_batches(name, tmp_path, monkeypatch):
    table = write(tmp_path / "mine.parquet", {name: COLUMNS[name], "row": [1, 2, 3]})
    for rows in (1, 2, 3):
        monkeypatch.setattr(parquet, "BATCH_ROWS", rows)
        assert read_table(tmp_path / "mine.parquet").equals(table)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_comes_back_of_any_number_of_row_groups(name, tmp_path):
    table = write(tmp_path / "mine.parquet", {name: COLUMNS[name], "row": [1, 2, 3]}, row_group_size=2)
    assert read_table(tmp_path / "mine.parquet").equals(table)


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int8(), pa.string()), pa.string_view()], ids=str)
def test_packed_texts_are_plain_texts(kind, tmp_path):
    write(tmp_path / "mine.parquet", {"label": pa.array(["b", "a", None, "b"]).cast(kind)})
    assert read_table(tmp_path / "mine.parquet")["label"].to_pylist() == ["b", "a", None, "b"]
    assert read_table(tmp_path / "mine.parquet").schema.types == [pa.string()]


VIEWS = {
    "bytes": (pa.binary_view(), pa.binary(), [b"a", None, b"\xff"]),
    "lists": (pa.list_(pa.string_view()), pa.list_(pa.string()), [["a", None], None, []]),
    "large lists": (pa.large_list(pa.string_view()), pa.large_list(pa.string()), [["a"], None, []]),
    "lists of two": (pa.list_(pa.string_view(), 2), pa.list_(pa.string(), 2), [["a", "b"], ["c", "d"]]),
    "objects": (
        pa.struct([("by", pa.list_(pa.string_view()))]),
        pa.struct([("by", pa.list_(pa.string()))]),
        [{"by": ["a"]}, None],
    ),
    "maps": (pa.map_(pa.string(), pa.string_view()), pa.map_(pa.string(), pa.string()), [[("a", "b")], []]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_texts_and_bytes_of_another_layout_are_read_inside_lists_and_objects_too(name, tmp_path):
    kind, plain, values = VIEWS[name]
    write(tmp_path / "mine.parquet", {"text": ["a"] * len(values), "x": pa.array(values, kind)})
    column = read_table(tmp_path / "mine.parquet")["x"]
    assert column.to_pylist() == values and str(column.type).replace("element", "item") == str(plain)


def test_what_the_schema_says_of_itself_is_kept(tmp_path):
    schema = pa.schema([pa.field("text", pa.string())], metadata={"huggingface": "{}"})
    write(tmp_path / "mine.parquet", pa.table({"text": ["a"]}, schema=schema))
    assert read_table(tmp_path / "mine.parquet").schema.metadata == {b"huggingface": b"{}"}


def damaged(path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_table(path)
    return str(refused.value)


def test_a_disk_that_does_not_give_the_file_is_no_damage(tmp_path):
    refused = pytest.raises(WorldError, match=r"cannot read '.*mine\.parquet': No such file or directory")
    with refused, parquet.damaged(tmp_path / "mine.parquet"):
        arrow_parquet.read_metadata(tmp_path / "mine.parquet")


def test_damage_is_one_sentence(tmp_path):
    path = tmp_path / "mine.parquet"
    write(path, {"text": ["a goal", "a film"] * 100})
    whole = path.read_bytes()
    assert "is a damaged Parquet file" in damaged(path, whole[: len(whole) // 2])
    assert "is a damaged Parquet file" in damaged(path, whole[:4])
    assert "begins with b'text', not b'PAR1'" in damaged(path, b"text,label\n")
    assert "is a damaged Parquet file" in damaged(path, whole[:4] + b"\xff" * 20 + whole[24:])


def test_texts_that_are_not_utf8_are_damage(tmp_path):
    offsets, characters = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    write(tmp_path / "mine.parquet", {"text": pa.Array.from_buffers(pa.string(), 1, [None, offsets, characters])})
    with pytest.raises(InputError, match=r"damaged Parquet file: .*Invalid UTF8"):
        read_table(tmp_path / "mine.parquet")


def test_two_columns_of_one_name_and_a_table_without_rows_are_refused(tmp_path):
    path = tmp_path / "mine.parquet"
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    arrow_parquet.write_table(twice, path)
    with pytest.raises(InputError, match="2 columns have the name 'text'"):
        read_table(path)
    write(path, {"text": pa.array([], pa.string())})
    with pytest.raises(InputError, match="holds no row"):
        read_table(path)


def test_a_zip_is_no_parquet(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.parquet", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"\0" * 10_000_000)
    with pytest.raises(InputError, match=r"is not a Parquet file: it begins with b'PK\\x03\\x04', not b'PAR1'"):
        read_table(tmp_path / "bomb.parquet")


def repeated(times: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), times), pa.array([MEGABYTE]))


BOMBS = {
    "four terabytes of one text": lambda: {"text": repeated(4_000_000)},
    "a list of fifty gigabytes": lambda: {"labels": pa.ListArray.from_arrays([0, 50_000], repeated(50_000))},
    "an object of fifty gigabytes": lambda: {"meta": pa.StructArray.from_arrays([repeated(50_000)], ["author"])},
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_more_than_the_memory_is_refused_before_it_is(name, tmp_path, monkeypatch):
    path = tmp_path / "bomb.parquet"
    write(path, BOMBS[name](), compression="zstd")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=16 << 30))
    before, started = psutil.Process().memory_info().rss, time.perf_counter()
    with pytest.raises(InputError, match=r"takes at least .* GiB once unpacked; half of the free memory \(16.0 GiB\)"):
        read_table(path)
    assert time.perf_counter() - started < 2
    assert psutil.Process().memory_info().rss - before < 200 << 20


def test_rows_that_take_no_bytes_in_the_file_are_counted_too(tmp_path, monkeypatch):
    path = tmp_path / "bomb.parquet"
    # 16 bytes a row once unpacked; 64 with its id and its text.
    write(path, {"number": pa.nulls(100_000, pa.int64()), "other": pa.nulls(100_000, pa.int64())})
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=12_000_000))
    with pytest.raises(InputError, match="half of the free memory"):
        read_table(path)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1 << 30))
    assert read_table(path).num_rows == 100_000
