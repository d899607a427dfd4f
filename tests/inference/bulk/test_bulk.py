"""Many rows into a folder: every row once, in order, with the classifier's answer, and bad ones told."""

import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.cli import main
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError
from bbc_classifier.inference.bulk.input_files import input_files
from bbc_classifier.inference.open_classifier import open_classifier
from tests.conftest import LABELS
from tests.inference.bulk.conftest import answers, bad_rows

BAD = [
    ("b.csv", 51, 52, "3 cells where the header has 2"),
    ("b.csv", 52, 53, "is empty"),
    ("b.csv", 53, 54, "a quotation mark inside a quoted cell; double it"),
    ("c.jsonl", 11, 11, "not JSON: Expecting property name enclosed in double quotes at column 2"),
    ("c.jsonl", 47, 47, "column 'text': a whole number where a text is meant"),
]


def test_every_row_is_answered_once_in_order_and_bad_ones_are_told(predict, model_folder):
    bulk = predict()
    rows = answers(bulk)
    assert [row["id"] for row in rows] == [f"n{row}" for row in range(195)]
    places = [(row["source_file"], row["source_row"]) for row in rows]
    assert places == sorted(places) and len({*places}) == 195
    told = [(row["source_file"], row["row"], row["line"], row["reason"]) for row in bad_rows(bulk)]
    assert told == BAD
    # A number for each row of each file, whether it was answered or not.
    every = sorted([*places, *((file, row) for file, row, *_ in told)])
    assert every == [
        (name, row + 1) for name, count in (("a.parquet", 100), ("b.csv", 53), ("c.jsonl", 47)) for row in range(count)
    ]
    expected = open_classifier(str(model_folder)).predict([row["text"] for row in rows])
    for row, answer in zip(rows, expected, strict=True):
        assert row["prediction"] == answer.label
        assert [row[f"p_{label}"] for label in LABELS] == pytest.approx(
            [answer.probabilities[label] for label in LABELS], abs=1e-6
        )
    assert bulk.summary["rows"] == 195 and bulk.summary["bad_rows"] == 5 and sum(bulk.summary["labels"].values()) == 195


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_shards_changes_no_answer(predict, size):
    one, other = answers(predict("one")), answers(predict("other", shard_rows=size))
    for row, same in zip(one, other, strict=True):
        assert row.keys() == same.keys()
        assert all(
            same[name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value)
            for name, value in row.items()
        )


def test_a_second_call_changes_nothing(predict, tmp_path):
    first = predict()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "answers").rglob("*")}
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == [
        "bad_rows.jsonl",
        "predictions.json",
        "shards",
        "summary.json",
    ]
    assert predict().summary == first.summary
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "answers").rglob("*")} == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_shards_of_other_formats_hold_the_same(predict, form):
    plain = answers(predict("plain"))
    bulk = predict("other", shard_format=form)
    rows = [row for shard in sorted(bulk.folder.shards.iterdir()) for row in read_table(shard).to_pylist()]
    assert [(row["source_file"], int(row["source_row"]), row["id"], row["prediction"]) for row in rows] == [
        (row["source_file"], row["source_row"], row["id"], row["prediction"]) for row in plain
    ]


def test_a_spreadsheet_computes_nothing_of_a_shard_that_is_safe_for_it(predict, inputs):
    (inputs / "b.csv").write_text('id,text\n"=1+1",a goal\n')
    plain, safe = (predict(name, shard_format="csv", spreadsheet_safe=name == "safe") for name in ("plain", "safe"))
    ids = [
        {row["id"] for shard in bulk.folder.shards.iterdir() for row in read_table(shard).to_pylist()}
        for bulk in (plain, safe)
    ]
    assert ids[0] - ids[1] == {"=1+1"} and ids[1] - ids[0] == {"'=1+1"}


def test_only_the_columns_that_are_kept_come_out(predict):
    rows = answers(predict(keep_columns=["id"]))
    assert list(rows[0]) == [
        "source_file",
        "source_row",
        "id",
        "prediction",
        "confidence",
        *(f"p_{label}" for label in LABELS),
    ]
    assert [row["id"] for row in rows] == [f"n{row}" for row in range(195)]


def test_shards_are_alike_where_what_is_kept_of_the_files_is(predict, inputs):
    (inputs / "c.jsonl").write_text('{"id": "n", "text": "a goal", "views": 3}\n')
    assert not predict("all").alike
    assert predict("some", keep_columns=["id"]).alike


def test_several_columns_are_one_text(predict, model_folder):
    rows = answers(predict(text_column=["id", "text"]))
    expected = open_classifier(str(model_folder)).predict([f"{row['id']}\n{row['text']}" for row in rows])
    assert [row["confidence"] for row in rows] == pytest.approx([answer.confidence for answer in expected], abs=1e-6)


def test_a_file_that_cannot_be_read_costs_the_others_nothing(predict, inputs):
    (inputs / "b2.parquet").write_bytes(b"PAR1 oops")
    (inputs / "b3.csv").write_text("name,place\nann,here\n")
    bulk = predict()
    assert len(answers(bulk)) == 195
    reasons = bulk.summary["unreadable_files"]
    assert "is a damaged Parquet file" in reasons["b2.parquet"] and "which column holds the text" in reasons["b3.csv"]


def test_damage_in_the_middle_of_a_file_is_told_row_by_row(predict, inputs):
    path = inputs / "a.parquet"
    content = bytearray(path.read_bytes())
    column = parquet.read_metadata(path).row_group(1).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    bulk = predict(shard_rows=10)
    damaged = [row["row"] for row in bad_rows(bulk) if row["source_file"] == "a.parquet"]
    assert damaged == list(range(31, 61))
    assert [row["id"] for row in answers(bulk)] == [f"n{row}" for row in (*range(30), *range(60, 195))]


def test_answers_below_the_input_are_no_input(predict, inputs):
    first = predict("news/answers")
    again = predict("news/answers")
    assert again.summary == first.summary and len(answers(again)) == 195
    assert [path.name for path in input_files(str(inputs), inputs / "answers")] == ["a.parquet", "b.csv", "c.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_answers_go_where_a_link_leads(predict, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "answers").symlink_to("disk", target_is_directory=True)
    predict()
    assert len(answers(predict(shard_rows=50, overwrite=True))) == 195
    assert (tmp_path / "answers").is_symlink() and (tmp_path / "disk" / "summary.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_answers_go_into_the_folder_that_one_is_in(predict, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    place = (tmp_path / "here").stat().st_ino
    predict(".", output_as_it_is=True)
    assert len(answers(predict(".", output_as_it_is=True, shard_rows=50, overwrite=True))) == 195
    assert (tmp_path / "here").stat().st_ino == place


def test_a_tilde_is_the_home_folder_of_answers_too(predict, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    predict("~/answers", output_as_it_is=True)
    assert (tmp_path / "home" / "answers" / "summary.json").is_file() and not Path("~").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="every name is of characters there")
def test_a_name_that_is_no_text_is_told(predict, inputs):
    Path(os.fsdecode(os.fsencode(inputs) + b"/x\xff.csv")).write_text("text\na goal\n")
    with pytest.raises(InputError, match=r"the file 'x\\udcff.csv' has a name that is not UTF-8; rename it"):
        predict()


def test_the_command_says_what_it_wrote_and_what_could_not_be_read(model_folder, inputs, tmp_path, capsys):
    (inputs / "z.parquet").write_bytes(b"PAR1 oops")
    command = ["predict", "--model", str(model_folder), "--input", str(inputs), "--output", str(tmp_path / "answers")]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "Classified: 195 rows" in said.out and str(tmp_path / "answers" / "shards") in said.out
    assert "Rows that could not be answered: 5; why: " in said.err
    assert said.err.splitlines()[-1].startswith("bbc-classifier: error: a file could not be read, and the others are")
    (inputs / "z.parquet").unlink()
    for name in ("b.csv", "c.jsonl"):
        (inputs / name).unlink()
    assert main([*command, "--overwrite"]) == 0
    said = capsys.readouterr()
    assert f"pandas.read_parquet('{tmp_path / 'answers' / 'shards'}')" in said.out and "error" not in said.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input", "nowhere", "--output", "answers"], "there is no file 'nowhere'"),
        (["--input", "empty", "--output", "answers"], "holds no file of rows"),
        (["--input", "news", "--output", "answers", "--keep_columns", "body"], "no column 'body'"),
        (["--input", "news", "--output", "answers", "--keep_columns", "id", "id"], "names a column twice: id, id"),
        (["--input", "news", "--output", "answers", "--shard_rows", "0"], "--shard_rows must be at least 1"),
        (["--input", "news", "--output", "answers", "--spreadsheet_safe"], "is for --shard_format csv, not parquet"),
        (["--input", "news", "--output", "answers", "--top_k", "0"], "--top_k must be at least 1"),
        (["--input", "news", "--output", "answers", "--cpus_per_task", "2"], "are for --engine ray"),
        (["--input", "news/a.parquet", "--output", "answers.v2"], "the ending '.v2' of 'answers.v2' is none of"),
        (["--input", "news", "--output", "file"], "'file' is a file; choose a folder"),
        (["--input", "news/*.csv", "--output", "answers.csv"], "is a folder or a pattern"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(
    model_folder, inputs, tmp_path, monkeypatch, capsys, flags, message
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["predict", "--model", str(model_folder), *flags]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bbc-classifier: error")]
    assert len(errors) == 1 and message in errors[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_shards_of_a_classifier_of_any_number_of_labels_all_have_lists(
    tiny_classifier, tokenizer, predict, model_folder
):
    thresholds = [0.01, 0.01, 0.99, 0.99, 0.99]
    tiny_classifier(
        max_input_tokens=16, problem_type="multi_label_classification", label_thresholds=thresholds
    ).save_pretrained(model_folder)
    bulk = predict()
    assert all(sorted(row["prediction"]) == ["business", "entertainment"] for row in answers(bulk))
    assert bulk.summary["labels"] == {"business": 195, "entertainment": 195}
    kinds = {parquet.read_schema(shard).field("prediction").type for shard in bulk.folder.shards.iterdir()}
    assert [(pa.types.is_list(kind), kind.value_type) for kind in kinds] == [(True, pa.string())]


def test_the_record_names_no_folder_of_this_machine(predict, inputs, tmp_path):
    (inputs / "d.csv").write_text("name,place\nann,here\n")
    content = bytearray((inputs / "a.parquet").read_bytes())
    content[4:60] = b"\xff" * 56
    (inputs / "a.parquet").write_bytes(content)
    bulk = predict()
    assert bulk.summary["unreadable_files"]["d.csv"].startswith("'d.csv': which column")
    assert bad_rows(bulk)[0]["reason"].startswith("'a.parquet' is a damaged Parquet file")
    for path in (tmp_path / "answers").glob("*.json*"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_the_docs_name_every_key_of_the_summary_and_every_file(predict, tmp_path):
    docs = (Path(__file__).parents[3] / "docs" / "bulk-prediction.md").read_text(encoding="utf-8")
    summary = predict().summary
    names = [*summary, *(path.name for path in (tmp_path / "answers").iterdir() if path.is_file()), "shards/"]
    assert [name for name in names if f"`{name}`" not in docs] == []
