"""A file of texts in, the same rows with answers out: in every format, in the same order, or nothing at all."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.data.formats.read import read_table
from bbc_classifier.data.formats.write import write_table
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.inference.files import check_files, predict_file
from bbc_classifier.inference.options import PredictArguments
from tests.conftest import LABELS

ROWS = {
    "id": ["n1", "n2", "n3"],
    "title": ["Late goal", "שוק המניות", "फ़िल्म 🎬"],
    "text": ["the goal, of the match", 'a "quoted"\nsecond line', "film"],
}


@pytest.fixture
def classifier(tiny_classifier, tokenizer) -> NewsClassifier:
    return NewsClassifier(tiny_classifier(max_input_tokens=16), tokenizer)


@pytest.fixture
def predict(classifier, tmp_path):
    """Return a caller that writes a table as a file, classifies it, and reads what came out."""

    def call(rows: dict, source: str, target: str, **options: object) -> pa.Table:
        write_table(tmp_path / source, pa.table(rows), line="text")
        columns = ColumnArguments(text_column=options.pop("text_column", None))
        arguments = PredictArguments(input=str(tmp_path / source), output=str(tmp_path / target), **options)
        check_files(arguments)
        predict_file(classifier, arguments, columns)
        return read_table(tmp_path / target)

    return call


@pytest.mark.parametrize("source", ["in.csv", "in.tsv", "in.jsonl", "in.parquet"])
@pytest.mark.parametrize("target", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_every_row_and_column_comes_out_in_order_with_the_answer_beside(predict, classifier, source, target):
    table = predict(ROWS, source, target)
    assert table.schema.names == [*ROWS, "prediction", "confidence", *(f"p_{label}" for label in LABELS)]
    assert {name: table[name].to_pylist() for name in ROWS} == ROWS
    for row, answer in zip(table.to_pylist(), classifier.predict(ROWS["text"]), strict=True):
        assert row["prediction"] == answer.label
        assert float(row["confidence"]) == pytest.approx(answer.confidence, abs=1e-9)
        for label, share in answer.probabilities.items():
            assert float(row[f"p_{label}"]) == pytest.approx(share, abs=1e-9)


def test_lines_in_and_lines_out(predict, classifier, tmp_path):
    (tmp_path / "out.txt").write_text("old")
    predict({"text": ["a goal", "a film"]}, "in.txt", "out.txt", overwrite=True)
    lines = (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [answer.label for answer in classifier.predict(["a goal", "a film"])]


def test_several_columns_are_one_text(predict, classifier):
    table = predict(ROWS, "in.csv", "out.jsonl", text_column=["title", "text"])
    joined = [f"{title}\n{text}" for title, text in zip(ROWS["title"], ROWS["text"], strict=True)]
    assert table["prediction"].to_pylist() == [answer.label for answer in classifier.predict(joined)]


def test_with_top_k_the_other_labels_stay_empty(predict):
    table = predict(ROWS, "in.csv", "out.parquet", top_k=2)
    for row in table.to_pylist():
        assert sum(row[f"p_{label}"] is not None for label in LABELS) == 2


def test_columns_of_other_kinds_are_kept(predict, tmp_path):
    rows = {"text": ["a goal", "a film"], "views": [3, None], "tags": [["x", "y"], []], "by": [{"name": "é"}, None]}
    parquet.write_table(pa.table(rows), tmp_path / "in.parquet")
    same = predict(rows, "in.parquet", "out.parquet").select(list(rows)).to_pylist()
    assert same == pa.table(rows).to_pylist()
    flat = predict(rows, "in.parquet", "out.csv").to_pylist()
    assert [row["tags"] for row in flat] == ["x;y", ""]
    assert json.loads(flat[0]["by"]) == {"name": "é"}


def test_a_multi_label_answer_is_a_list(tiny_classifier, tokenizer, tmp_path):
    model = tiny_classifier(
        max_input_tokens=16, problem_type="multi_label_classification", label_thresholds=[0.01, 0.01, 0.99, 0.99, 0.99]
    )
    write_table(tmp_path / "in.jsonl", pa.table({"text": ["a goal", "a film"]}), line="text")
    for target in ("out.jsonl", "out.csv"):
        options = PredictArguments(input=str(tmp_path / "in.jsonl"), output=str(tmp_path / target))
        predict_file(NewsClassifier(model, tokenizer), options, ColumnArguments())
    rows = read_table(tmp_path / "out.jsonl").to_pylist()
    assert all(sorted(row["prediction"]) == ["business", "entertainment"] for row in rows)
    assert [";".join(row["prediction"]) for row in rows] == read_table(tmp_path / "out.csv")["prediction"].to_pylist()


BAD = {
    "empty text": ({"text": ["a", " ", ""]}, {}, "row 2, column 'text': is empty; of 2 broken rows it is the first"),
    "no such column": ({"text": ["a"]}, {"text_column": ["body"]}, "has no column 'body'; it has 'text'"),
    "no text column": ({"a": ["x"], "b": ["y"]}, {}, "which column holds the text? It has 'a', 'b'"),
    "taken column": ({"text": ["a"], "prediction": ["b"]}, {}, "has a column 'prediction' already"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_one_sentence_and_nothing_is_written(predict, tmp_path, name):
    rows, options, message = BAD[name]
    with pytest.raises(InputError, match=r"'.*in\.jsonl'") as raised:
        predict(rows, "in.jsonl", "out.csv", **options)
    assert message in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (None, "out.csv", "--input and --output go together"),
        ("in.csv", None, "--input and --output go together"),
        ("in.csv", "out.xlsx", r"--output: the ending '\.xlsx' of .* is none of \.csv, \.tsv"),
        ("in.csv", "folder.csv", "is a folder where a file is meant"),
        ("in.csv", "there.csv", "is there already; add --overwrite"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path, monkeypatch, source, target, message):
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    Path("there.csv").write_text("mine")
    with pytest.raises(InputError, match=message):
        check_files(PredictArguments(input=source, output=target))


def test_the_input_is_never_the_output(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("text\na goal\n")
    with pytest.raises(InputError, match="is the input; choose another name"):
        check_files(PredictArguments(input=str(path), output=str(path), overwrite=True))


def test_an_output_folder_that_cannot_be_made_is_the_worlds_fault(predict, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match=r"--output: cannot write .*: (Not a directory|File exists)"):
        predict(ROWS, "in.csv", "file/out.csv")
