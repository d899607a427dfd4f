"""CSV and TSV: cells are text as they stand, and a row that is not as it should be is named by its number."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)
CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@pytest.fixture
def read(tmp_path):
    """Return a reader of content as a file."""

    def read_content(content: str | bytes, name: str = "mine.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **options).to_pylist()

    return read_content


GOOD = {
    "a mark of byte order": (b"\xef\xbb\xbftext,label\ngoal,sport\n", [("goal", "sport")]),
    "no line end at the end": (b"text,label\ngoal,sport", [("goal", "sport")]),
    "line ends of Windows": (b"text,label\r\ngoal,sport\r\nfilm,arts\r\n", [("goal", "sport"), ("film", "arts")]),
    "line ends of old Macs": (b"text,label\rgoal,sport\r", [("goal", "sport")]),
    "blank lines": (b"\n\ntext,label\n\ngoal,sport\n\n", [("goal", "sport")]),
    "quoted line breaks": (b'text,label\n"one\ntwo\r\nthree",sport\n', [("one\ntwo\r\nthree", "sport")]),
    "quoted commas and quotation marks": (b'text,label\n"a ""goal"", late",sport\n', [('a "goal", late', "sport")]),
    "quotation marks in an unquoted cell": (b'text,label\nthe "goal",sport\n', [('the "goal"', "sport")]),
    "numbers stay text": (b"text,label\n007,1.50\nNA,\n", [("007", "1.50"), ("NA", "")]),
}


@pytest.mark.parametrize("name", GOOD)
def test_cells_are_read_as_they_stand(name, read):
    content, rows = GOOD[name]
    assert read(content) == [{"text": text, "label": label} for text, label in rows]


def test_the_ending_or_the_option_says_what_separates_cells(read):
    rows = [{"text": "a, b", "label": "c;d"}]
    assert read("text\tlabel\na, b\tc;d\n", "mine.tsv") == rows
    assert read("text\tlabel\na, b\tc;d\n", "MINE.TSV") == rows
    assert read('text;label\na, b;"c;d"\n', delimiter=";") == rows
    assert read("text|label\na, b|c;d\n", "mine.tsv", delimiter="|") == rows
    assert read("text\tlabel\na, b\tc;d\n", delimiter=r"\t") == rows


def test_one_column_whose_name_holds_the_usual_separator_is_read_when_told_to(read):
    assert read("text;label\na;b\n", delimiter=",") == [{"text;label": "a;b"}]


BAD = {
    "too few cells": ("text,label\ngoal,sport\ngoal\n", "row 2: 1 cell where the header has 2"),
    "too many cells": ("text,label\na, b,sport\n", "row 1: 3 cells where the header has 2 .*quote cells that hold it"),
    "too many, after breaks and blanks": ('text,label\n"a\nb",c\n\nx,y,z\n', "row 2: 3 cells where the header has 2"),
    "a name twice": ("text,label,text\na,b,c\n", "2 columns have the name 'text'; each needs a name of its own"),
    "a name twice after a blank line": ("\ntext,text\na,b\n", "2 columns have the name 'text'"),
    "two columns without a name": ("text,,\na,b,c\n", "2 columns have the name ''"),
    "a spreadsheet's semicolons": (
        'text;label\n"a ""b"" c";d\n',
        "'.*mine.csv': the column names stand in one cell, with ';' in it; if that separates the columns, add "
        "--delimiter ';', and if not, --delimiter ','",
    ),
    "tabs": ("text\tlabel\na\tb\n", r"add --delimiter '\\t'"),
    "upright lines": ("\ntext|label\na|b\n", r"add --delimiter '\|'"),
    "only the names": ("text,label\n", "holds no row"),
    "only blank lines": ("\n\n", "holds no row; the first one names the columns"),
    "only a mark of byte order": ("\ufeff", "holds no row"),
    "an open quotation mark": ('text,label\na,b\n"goal,sport\nfilm,arts\n', "row 2: a quotation mark is never closed"),
    "an open one in the last column": (
        'label,text\nsport,"goal\narts,film\n',
        "row 1: a quotation mark is never closed",
    ),
    "an open one among the names": ('text,"label\na,b\n', "the column names: a quotation mark is never closed"),
    "one that ends in the next row": (
        'label,text\nsport,"goal\narts,"film"\n',
        "row 1: a quotation mark inside a quoted cell; double it",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_table_is_refused(name, read):
    content, message = BAD[name]
    with pytest.raises(InputError, match=message):
        read(content)


@pytest.mark.parametrize("delimiter", ["", "||", "\\n", '"', "\n", "\r", "é", "；"])
def test_a_delimiter_is_one_ascii_character(delimiter, read):
    with pytest.raises(InputError, match="--delimiter must be one ASCII character"):
        read("text,label\na,b\n", delimiter=delimiter)


def test_a_cell_longer_than_what_can_be_parsed_is_refused(read, monkeypatch):
    monkeypatch.setattr("bbc_classifier.data.formats.delimited.BLOCK_BYTES", 1000)
    with pytest.raises(InputError, match="row 1: a cell is longer than"):
        read('text,label\n"' + "goal " * 300 + '",sport\n')


@QUICK
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), ending=st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_csv_module_writes_is_read_cell_for_cell(rows, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=ending, quoting=csv.QUOTE_ALL)
        writer.writerows([("text", "label"), *rows])
    assert [tuple(row.values()) for row in read_table(path).to_pylist()] == rows
