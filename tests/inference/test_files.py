"""One file: every row and column is written with its prediction."""

import datetime
import json
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bbc_classifier.config import PredictArguments
from bbc_classifier.errors import UserError
from bbc_classifier.inference.bulk import predict_file
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.inference.files import InputFile, write_table

ROWS = {
    "id": ["007", "n2", "n3"],
    "title": ["Late goal", "שוק המניות", "फ़िल्म 🎬"],
    "text": ["the goal, of the match", 'a "quoted"\nsecond line', "film"],
}
ADDED = ["prediction", "confidence", "p_business", "p_sport"]
SOURCES = ["in.csv", "in.tsv", "in.jsonl", "in.json", "in.parquet", "in.xlsx"]
TARGETS = ["out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.xlsx", "out.csv"]


@pytest.fixture
def run(tiny_model_dir, tmp_path):
    """Return a function that classifies `in.<...>` into `out.<...>` and returns the result."""

    def call(source: str, target: str, **options: object):
        paths = {"input": str(tmp_path / source), "output_file": str(tmp_path / target)}
        return predict_file(PredictArguments(**{"model": str(tiny_model_dir), "precision": "fp32", **paths, **options}))

    return call


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".xlsx":
        return pd.read_excel(path, dtype=str).to_dict("records")
    separator = "\t" if path.suffix == ".tsv" else ","
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False).to_dict("records")


@pytest.mark.parametrize(("source", "target"), zip(SOURCES, TARGETS, strict=True))
def test_every_row_and_column_is_written(run, tiny_model_dir, tmp_path, source, target):
    if source == "in.json":
        (tmp_path / source).write_text(json.dumps(pd.DataFrame(ROWS).to_dict("records")), encoding="utf-8")
    else:
        write_table(tmp_path / source, pa.table(ROWS))
    result = run(source, target)
    assert (result.rows, result.invalid, sum(result.label_counts.values())) == (3, 0, 3)
    rows = read(tmp_path / target)
    assert list(rows[0]) == [*ROWS, *ADDED]
    assert {name: [row[name] for row in rows] for name in ROWS} == ROWS
    expected = Predictor.from_pretrained(tiny_model_dir).classify(ROWS["text"])
    for row, prediction in zip(rows, expected, strict=True):
        assert row["prediction"] == prediction.label
        assert float(row["confidence"]) == pytest.approx(prediction.confidence, abs=1e-6)
        assert float(row["p_sport"]) == pytest.approx(prediction.probabilities["sport"], abs=1e-6)


def test_lines_without_text_get_empty_predictions(run, tmp_path):
    (tmp_path / "in.txt").write_text("a goal\n\na film", encoding="utf-8")
    result = run("in.txt", "out.txt")
    assert (result.rows, result.invalid) == (2, 1)
    assert [bool(line) for line in (tmp_path / "out.txt").read_text().splitlines()] == [True, False, True]


def test_columns_of_other_types(run, tmp_path):
    rows = {"text": ["a\rgoal", "a film"], "views": [3, None], "tags": [["x", "y"], []], "by": [{"name": "é"}, None]}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    run("in.parquet", "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").select(list(rows)).to_pylist() == pa.table(rows).to_pylist()
    run("in.parquet", "out.csv")
    flat = read(tmp_path / "out.csv")
    assert flat[0]["text"] == "a\ngoal" and [row["tags"] for row in flat] == ["x;y", ""]
    assert [row["views"] for row in flat] == ["3", ""]
    assert json.loads(flat[0]["by"]) == {"name": "é"}
    lines = ['{"text": "a goal", "views": 3, "id": 1}', '{"text": "a film", "id": "b", "tags": ["x"]}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    run("in.jsonl", "out.jsonl", min_confidence=1.0)
    found = [[row[name] for name in ("views", "id", "tags", "prediction")] for row in read(tmp_path / "out.jsonl")]
    assert found == [[3, "1", None, None], [None, "b", ["x"], None]]


def test_rows_of_row_groups_with_categories_and_lines_with_other_kinds_of_values_later(run, tmp_path, tiny_model_dir):
    kinds = pa.array(["x", "y"] * 15).dictionary_encode()
    rows = pa.table({"text": [f"a goal {row}" for row in range(30)], "kind": kinds})
    pq.write_table(rows, tmp_path / "in.parquet", row_group_size=11)
    assert run("in.parquet", "out.jsonl").rows == 30
    assert [row["kind"] for row in read(tmp_path / "out.jsonl")] == kinds.to_pylist()
    file = InputFile(tmp_path / "in.parquet", PredictArguments(model=str(tiny_model_dir), input="in", output_dir="out"))
    shards = [(shard.first_row, shard.texts[0], len(shard.texts)) for shard in file.shards(8)]
    assert shards == [(row + 1, f"a goal {row}", min(8, 30 - row)) for row in range(0, 30, 8)]
    lines = [{"text": "a goal", "id": row if row < 5500 else f"n{row}", "more": {"tags": {}}} for row in range(5600)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    file = InputFile(tmp_path / "in.jsonl", PredictArguments(model=str(tiny_model_dir), input="in", output_dir="out"))
    ids = [name for shard in file.shards(1000) for name in shard.table["id"].to_pylist()]
    assert ids == [str(line["id"]) for line in lines]
    write_table(tmp_path / "shard.parquet", next(file.shards(1000)).table)


def test_dates_and_text_that_excel_cannot_hold_or_would_compute(run, tmp_path):
    day = datetime.date(2026, 1, 2)
    rows = {"text": ["=goal\x0b=", "#N/A"], "day": [day, day]}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    run("in.parquet", "out.csv")
    assert [row["day"] for row in read(tmp_path / "out.csv")] == ["2026-01-02"] * 2
    run("in.parquet", "out.xlsx")
    cells = pd.read_excel(tmp_path / "out.xlsx", keep_default_na=False)
    assert cells["text"].tolist() == ["=goal=", "#N/A"] and cells["day"].tolist() == [pd.Timestamp(day)] * 2
    cells[["day"]].assign(text="a goal", size=[5, None]).to_excel(tmp_path / "in.xlsx", index=False)
    run("in.xlsx", "again.xlsx")
    row = pd.read_excel(tmp_path / "again.xlsx").iloc[0]
    assert (row["day"], row["size"]) == (pd.Timestamp(day), 5)


def test_delimiter_encoding_and_byte_order_mark_of_excel(run, tmp_path):
    (tmp_path / "in.csv").write_bytes("sep=;\r\ntext;Größe\r\nein Tor;1,5\r\n".encode("cp1252"))
    run("in.csv", "out.csv", encoding="cp1252")
    header, row = (tmp_path / "out.csv").read_bytes().decode("cp1252").splitlines()
    assert header.startswith("text;Größe;prediction;") and row.startswith("ein Tor;1,5;")
    # Columns without a name are left out, and empty cells at the end of a row may be.
    (tmp_path / "in.csv").write_text("\ufefftext;size;;\na goal;1\n", encoding="utf-8")
    run("in.csv", "out.csv", delimiter=";", overwrite=True)
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("\ufefftext;size;prediction")
    (tmp_path / "in.tsv").write_text('text\tid\n"a goal\t1\na film\t2\n')
    run("in.tsv", "out.jsonl", quoting="none")
    assert [row["text"] for row in read(tmp_path / "out.jsonl")] == ['"a goal', "a film"]


def test_columns_and_delimiter_of_the_run_are_the_defaults(tiny_model_dir, tmp_path, run):
    shutil.copytree(tiny_model_dir, tmp_path / "run" / "model")
    data = {"text_column": ["body"], "delimiter": "\\t"}  # a comma in the header is not taken for it
    (tmp_path / "run" / "record.json").write_text(json.dumps({"options": {"data": data}}))
    (tmp_path / "in.csv").write_text("text\tbody\tsize, cm\nx\ta goal\t1,5\n")
    (tmp_path / "other.csv").write_text("text, id\na goal,1\n")
    shutil.copytree(tiny_model_dir, tmp_path / "run" / "export" / "onnx")
    models = (("in.csv", "run"), ("in.csv", "run/export/onnx"), ("other.csv", "run/model"))
    for number, (source, model) in enumerate(models):
        run(source, f"{number}.jsonl", model=str(tmp_path / model))
    found = [read(tmp_path / f"{number}.jsonl")[0] for number in range(3)]
    assert [row["confidence"] for row in found] == pytest.approx([found[0]["confidence"]] * 3, abs=1e-6)
    assert found[2]["id"] == "1"


def test_escaped_formulas_and_empty_predictions_below_min_confidence(run, tmp_path):
    rows = {"text": ["=1+1", "film"], "@id": ["-2", "x"], "size": ["+3", "4"]}
    write_table(tmp_path / "in.csv", pa.table(rows))
    assert run("in.csv", "out.csv", escape_formulas=True, min_confidence=1.0).label_counts == {"": 2}
    escaped = read(tmp_path / "out.csv")
    assert [escaped[0][name] for name in ("text", "'@id", "size")] == ["'=1+1", "'-2", "'+3"]
    assert escaped[1]["text"] == "film" and escaped[1]["prediction"] == "" and float(escaped[0]["confidence"]) > 0


BAD = [
    ("text\na\n", {"text_column": ["body"]}, "--text_column"),
    ("text,p_sport\na,b\n", {}, "p_sport"),
    ("text;id\na;b\n", {}, "--delimiter"),
    ("text,id\na,b\na goal, late,2\n", {}, "row 2"),
    ('text,id\n"a,b\nc,d\n', {}, "in.csv"),
    ("text\n£ goal\n", {}, "--encoding"),  # in Latin-1
    ("text,text\na,b\n", {}, "'text'"),
    ("text,id\n", {}, "no row"),
    ('text,id\n"a" goal,1\n', {}, "line 2.*--quoting"),
]


@pytest.mark.parametrize(("content", "options", "named"), BAD)
def test_invalid_files(run, tmp_path, content, options, named):
    (tmp_path / "in.csv").write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=named):
        run("in.csv", "out.csv", **options)
    assert not (tmp_path / "out.csv").exists()


BAD_TARGETS = [
    ("absent.csv", "out.csv", {}, "absent.csv"),
    ("in.csv", "out.docx", {}, "--output_file"),
    ("in.csv", "dir.csv", {}, "--output_file"),
    ("in.csv", "there.csv", {}, "--overwrite"),
    ("in.csv", "in.csv", {"overwrite": True}, "the input"),
    ("in.csv", "out.jsonl", {"escape_formulas": True}, "--escape_formulas"),
    ("*.csv", "out.csv", {}, "--output_dir"),
    (".", "out.csv", {}, "--output_dir"),
]


@pytest.mark.parametrize(("source", "target", "options", "named"), BAD_TARGETS)
def test_invalid_targets(run, tmp_path, source, target, options, named):
    (tmp_path / "dir.csv").mkdir()
    for name in ("in.csv", "there.csv"):
        (tmp_path / name).write_text("text\na goal\n")
    with pytest.raises(UserError, match=named):
        run(source, target, **options)
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "in.csv").read_text() == "text\na goal\n"
