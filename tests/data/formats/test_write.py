"""Writing a table: what is written is read again, and a file appears whole or not at all."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.formats.read import FORMATS, LINES, read_table
from bbc_classifier.data.formats.write import WRITERS, check_output_file, write_table
from bbc_classifier.errors import InputError, WorldError

QUICK = settings(max_examples=40, deadline=None)
# Every character but NUL, which no text may hold, and halves of characters.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
HARD = [
    "a,b;c\td",
    'the "goal"',
    "one\ntwo\r\nthree\rfour",
    "",
    " spaces ",
    "‏שלום, עולם",
    "e\u0301 é",
    "👩‍👩‍👧\u2028\x85",
]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_what_is_written_is_read_again(ending, tmp_path):
    path = tmp_path / f"out{ending}"
    table = pa.table({"text": HARD, 'col,"umn\n': [*HARD[1:], "x"]})
    write_table(path, table, line="text")
    assert read_table(path).to_pylist() == table.to_pylist()


@QUICK
@given(data=st.data(), ending=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]))
def test_any_texts_and_column_names_are_read_again(data, ending, tmp_path_factory):
    names = data.draw(st.lists(TEXTS.filter(str.strip), min_size=2, max_size=3, unique=True))
    rows = data.draw(st.integers(1, 4))
    columns = {name: data.draw(st.lists(TEXTS, min_size=rows, max_size=rows)) for name in names}
    path = tmp_path_factory.mktemp("table") / f"out{ending}"
    write_table(path, pa.table(columns), line=names[0])
    assert read_table(path).to_pydict() == columns


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_kinds_are_kept_where_the_format_has_them(ending, tmp_path):
    columns = {"i": [1, None], "f": [0.5, None], "b": [True, None], "l": [["a", "b"], []], "o": [{"k": 1}, None]}
    write_table(tmp_path / f"out{ending}", pa.table(columns), line="i")
    assert read_table(tmp_path / f"out{ending}").to_pydict() == columns


def test_cells_hold_lists_joined_objects_as_json_and_nothing_for_null(tmp_path):
    columns = {
        "text": ["a", None],
        "list": [["x", "y"], None],
        "numbers": [[1, 2], []],
        "object": [{"é": [1]}, None],
        "confidence": [0.25, None],
        "yes": [True, None],
    }
    write_table(tmp_path / "out.csv", pa.table(columns), line="text")
    rows = read_table(tmp_path / "out.csv").to_pylist()
    assert list(rows[0].values()) == ["a", "x;y", "1;2", '{"é": [1]}', "0.25", "true"]
    assert list(rows[1].values()) == [""] * 6


def test_cells_hold_bytes_of_one_length_and_kinds_of_others_as_json(tmp_path):
    pairs = pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2))
    columns = {
        "text": ["a", "b"],
        "two": pa.array([b"\xff\0", None], pa.binary(2)),
        "pair": pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int64(), [2]), pairs),
    }
    write_table(tmp_path / "out.csv", pa.table(columns), line="text")
    rows = read_table(tmp_path / "out.csv").to_pylist()
    assert [list(row.values()) for row in rows] == [["a", "\"b'\\\\xff\\\\x00'\"", "[1, 2]"], ["b", "", "[3, 4]"]]


def test_a_date_that_is_none_is_told(tmp_path):
    columns = {"text": ["a"], "when": pa.array([(1 << 63) - 1], pa.timestamp("us"))}
    with pytest.raises(InputError, match=r"does not fit into '\.jsonl': date value out of range"):
        write_table(tmp_path / "out.jsonl", pa.table(columns), line="text")


def test_a_file_of_lines_gets_the_one_column(tmp_path):
    table = pa.table({"text": ["a", "b"], "prediction": ["sport", "arts"]})
    write_table(tmp_path / "out.txt", table, line="prediction")
    assert (tmp_path / "out.txt").read_bytes() == b"sport\narts\n"
    table = pa.table({"text": ["a", "b"], "prediction": [["sport", "arts"], []]})
    write_table(tmp_path / "out.txt", table, line="prediction")
    assert (tmp_path / "out.txt").read_bytes() == b"sport;arts\n\n"


def test_json_lines_hold_null_for_what_json_has_no_word_for(tmp_path):
    write_table(tmp_path / "out.jsonl", pa.table({"a": [float("nan"), float("-inf"), 1.5]}), line="a")

    def refuse(word: str):
        raise AssertionError(word)

    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line, parse_constant=refuse) for line in lines] == [{"a": None}, {"a": None}, {"a": 1.5}]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".txt"])
def test_line_ends_are_the_same_on_every_system(ending, tmp_path):
    write_table(tmp_path / f"out{ending}", pa.table({"text": ["a", "b"]}), line="text")
    assert b"\r" not in (tmp_path / f"out{ending}").read_bytes()


REFUSED = {
    "an unknown ending": ("out.xlsx", "the ending '.xlsx' of .* is none of .csv, .tsv, .jsonl, .parquet, .txt"),
    "no ending": ("out", "the ending '' of"),
    "a folder": ("folder.csv", "is a folder where a file is meant"),
    "a file that is there": ("there.csv", "is there already; add --overwrite or choose another name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_output_that_must_not_be_written_is_refused(name, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "there.csv").write_text("mine")
    file, message = REFUSED[name]
    with pytest.raises(InputError, match=f"--output: .*{message}"):
        check_output_file(tmp_path / file, overwrite=False)
    check_output_file(tmp_path / "there.csv", overwrite=True)


def test_what_cannot_be_written_leaves_nothing_behind_and_what_was_there_as_it_was(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WorldError, match="--output: cannot write"):
        write_table(tmp_path / "file" / "out.csv", pa.table({"text": ["a"]}), line="text")
    (tmp_path / "out.csv").write_text("mine")
    # Of all kinds of columns, an interval has no cell.
    intervals = pa.array([(1, 2, 3)], pa.month_day_nano_interval())
    with pytest.raises(InputError, match=r"--output: a column of the input does not fit into '\.csv'"):
        write_table(tmp_path / "out.csv", pa.table({"text": ["a"], "interval": intervals}), line="text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_every_format_but_json_can_be_written():
    assert {*WRITERS, ".json"} == {*FORMATS, LINES}
