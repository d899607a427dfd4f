"""The evaluate command's function: a whole folder or none, and no test rows that the classifier was trained on."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.evaluation.run import evaluate
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json, write_json

LABELS = ["business", "entertainment", "politics", "sport", "tech"]
WRITTEN = [
    "evaluation.json",
    "figures",
    "figures/confusion_matrix.png",
    "figures/confusion_matrix_normalized.png",
    "predictions",
    "predictions/test.parquet",
]


def options(run: Path, folder: Path | None, **others: object) -> EvaluateArguments:
    return EvaluateArguments(model=str(run), output_dir=folder and str(folder), **others)


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def bbc_run(save_classifier, bbc_articles):
    """A run folder whose files say that it was trained on the default split of BBC News."""
    run = save_classifier(LABELS)
    write_json(run / "options.json", {"data": asdict(DataArguments())})
    bbc_articles.split.save(run / "split.json")
    write_json(run / "seen_texts.json", bbc_articles.seen_texts())
    return run


@pytest.fixture
def own_file(tmp_path):
    """Return a writer of a labelled CSV file."""

    def write(*rows: tuple[str, str], name: str = "mine.csv", columns: str = "text,label") -> str:
        path = tmp_path / name
        path.write_text("\n".join([columns, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
        return str(path)

    return write


NEW_ROWS = [("a goal late in the match", "sport"), ("a new phone is on sale", "tech"), ("a late goal", "sport")]


def test_without_data_options_the_rows_are_evaluated_that_the_run_held_out(bbc_run, bbc_articles, tmp_path):
    folder = tmp_path / "deep" / "evaluation"
    assert evaluate(options(bbc_run, folder), {}) == folder
    assert contents(folder) == WRITTEN
    assert [path.name for path in folder.parent.iterdir()] == ["evaluation"]
    record = read_json(folder / "evaluation.json")
    assert record["model"]["name"] == "run"
    assert record["model"]["weights_sha256"] == file_sha256(bbc_run / "model" / "model.safetensors")
    assert record["data"]["split_fingerprint"] == bbc_articles.split.fingerprint
    assert (record["data"]["distinct"], record["data"]["seen_in_training_removed"]) == (2121, 0)
    row_ids, labels, probabilities = read_predictions(folder / "predictions" / "test.parquet", LABELS)
    assert row_ids == bbc_articles.split.test
    report = record["evaluation"]["test"]
    assert report["n"] == len(row_ids) == 317
    assert report["correct"] == (probabilities.argmax(axis=1) == labels).sum()
    assert str(tmp_path) not in json.dumps(record)


def test_an_earlier_evaluation_is_replaced_whole(bbc_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(Path("evaluations/run/evaluation.json"), {"earlier": True})
    Path("evaluations/run/predictions").mkdir()
    Path("evaluations/run/predictions/stale.parquet").touch()
    # A model folder inside a run folder is the run, and without --output_dir the run's name is the folder's.
    folder = evaluate(options(bbc_run / "model", None, overwrite=True), {"max_eval_samples": 20})
    assert folder == Path("evaluations") / "run"
    assert contents(folder) == WRITTEN
    record = read_json(folder / "evaluation.json")
    assert (record["model"]["name"], record["evaluation"]["test"]["n"]) == ("run", 20)


@pytest.mark.parametrize("inner", ["", "model"])
def test_rows_that_the_run_was_trained_on_are_refused_by_id_and_left_out_when_told_to(bbc_run, tmp_path, inner):
    other_split = {"split_seed": 1, "max_eval_samples": 100}
    with pytest.raises(
        InputError, match=r"was trained on the text of \d+ of 100 rows, '\w+/\d+' first; --remove_leaks"
    ):
        evaluate(options(bbc_run / inner, tmp_path / "e", rows="test"), other_split)
    assert not (tmp_path / "e").exists()
    evaluate(options(bbc_run / inner, tmp_path / "e", rows="test"), {**other_split, "remove_leaks": True})
    record = read_json(tmp_path / "e" / "evaluation.json")
    removed = record["data"]["seen_in_training_removed"]
    assert 70 < removed < 100
    assert record["evaluation"]["test"]["n"] == 100 - removed


def test_of_other_data_every_row_is_evaluated_unless_told_otherwise(bbc_run, own_file, tmp_path):
    path = own_file(*NEW_ROWS * 4)
    for rows, n in (("auto", 12), ("all", 12)):
        evaluate(options(bbc_run, tmp_path / rows, rows=rows), {"dataset": path})
        record = read_json(tmp_path / rows / "evaluation.json")
        # Copies stay: what is evaluated is the data as it is.
        assert record["evaluation"]["test"]["n"] == n
        assert record["data"]["name"] == "mine.csv"
        assert str(tmp_path) not in json.dumps(record)


def test_of_a_ready_made_split_the_test_side_is_evaluated(bbc_run, own_file, tmp_path):
    train = own_file(*NEW_ROWS, name="train.csv")
    test = own_file(("quite another goal", "sport"), ("and a phone", "tech"), name="test.csv")
    evaluate(options(bbc_run, tmp_path / "a"), {"train_file": train, "test_file": test})
    assert read_json(tmp_path / "a" / "evaluation.json")["evaluation"]["test"]["n"] == 2
    evaluate(options(bbc_run, tmp_path / "b"), {"test_file": test})
    assert read_json(tmp_path / "b" / "evaluation.json")["evaluation"]["test"]["n"] == 2


def test_a_label_that_the_classifier_does_not_know_is_named_and_can_be_mapped(bbc_run, own_file, tmp_path):
    path = own_file(*NEW_ROWS, ("a film about football", "cinema"))
    with pytest.raises(
        InputError, match="does not know the label 'cinema'; it knows 'business', 'entertainment', 'politics'"
    ):
        evaluate(options(bbc_run, tmp_path / "e"), {"dataset": path})
    assert not (tmp_path / "e").exists()
    evaluate(options(bbc_run, tmp_path / "e"), {"dataset": path, "label_map": ["cinema=entertainment"]})
    assert (
        read_json(tmp_path / "e" / "evaluation.json")["evaluation"]["test"]["per_class"]["entertainment"]["support"]
        == 1
    )


def test_a_text_that_was_trained_on_is_found_in_other_data_whatever_its_case(bbc_run, bbc_articles, own_file, tmp_path):
    seen = bbc_articles.side("train")["text"][0]
    shouted = '"' + seen.upper().replace('"', "") + '"'
    path = own_file(*NEW_ROWS, (shouted, "business"))
    with pytest.raises(InputError, match=r"trained on the text of 1 of 4 rows, 'mine.csv:4' first"):
        evaluate(options(bbc_run, tmp_path / "e"), {"dataset": path})
    only_seen = own_file((shouted, "business"), name="seen.csv")
    with pytest.raises(InputError, match="was trained on the text of every row; there is nothing left"):
        evaluate(options(bbc_run, tmp_path / "e"), {"dataset": only_seen, "remove_leaks": True})


def test_a_classifier_without_a_run_is_evaluated_on_every_row(save_classifier, own_file, tmp_path):
    evaluate(options(save_classifier(LABELS), tmp_path / "e"), {"dataset": own_file(*NEW_ROWS)})
    assert read_json(tmp_path / "e" / "evaluation.json")["evaluation"]["test"]["n"] == 3


def test_a_folder_that_is_not_empty_is_refused_without_overwrite(tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "evaluation.json").write_text("{}")
    with pytest.raises(InputError, match=r"--output_dir: .* is not empty; add --overwrite"):
        evaluate(options(tmp_path / "run", tmp_path / "e"), {})
    assert (tmp_path / "e" / "evaluation.json").read_text() == "{}"


def test_overwrite_never_deletes_files_that_are_no_evaluation(tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"--overwrite: .* no evaluation of ours; they stay"):
        evaluate(options(tmp_path / "run", tmp_path / "e", overwrite=True), {})
    assert (tmp_path / "e" / "thesis.tex").read_text() == "mine"


def test_overwrite_never_deletes_what_somebody_put_beside_an_evaluation(tmp_path):
    write_json(tmp_path / "e" / "evaluation.json", {"earlier": True})
    (tmp_path / "e" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds 'notes.txt', which is no part of the evaluation there; move it away"):
        evaluate(options(tmp_path / "run", tmp_path / "e", overwrite=True), {})
    assert (tmp_path / "e" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["max_length", "truncation", "distinct_tokens"])
def test_how_much_is_read_is_the_classifiers_own_affair(tmp_path, name):
    with pytest.raises(InputError, match=f"--{name}: a classifier reads as much of a text as it was trained on"):
        evaluate(options(tmp_path / "run", tmp_path / "e"), {name: 16})


def test_a_label_that_is_not_known_leaves_not_even_the_folder_of_all_evaluations(
    save_classifier, own_file, tmp_path, monkeypatch
):
    run = save_classifier(["sport", "science"])
    data = own_file(*NEW_ROWS)
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="does not know the label 'tech'"):
        evaluate(options(run, None), {"dataset": str(data)})
    assert contents(tmp_path) == before


def test_what_leaks_in_the_runs_own_split_does_not_count_as_seen(save_classifier, tmp_path):
    for side, numbers in (("train", range(1, 6)), ("test", (1, 9))):
        rows = [f"{number} goal,sport\n{number} phone,tech" for number in numbers]
        (tmp_path / f"{side}.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    data = {"train_file": str(tmp_path / "train.csv"), "test_file": str(tmp_path / "test.csv")}
    articles = load_articles(DataArguments(**data))
    run = save_classifier(["sport", "tech"])
    write_json(run / "options.json", {"data": data})
    articles.split.save(run / "split.json")
    write_json(run / "seen_texts.json", articles.seen_texts())
    assert articles.findings["leaks"]["test"] == 2
    folder = evaluate(options(run, tmp_path / "e"), {})
    assert read_json(folder / "evaluation.json")["data"]["seen_in_training_removed"] == 0
    # The same rows of other data are seen.
    with pytest.raises(InputError, match="was trained on the text of 2 of 4 rows"):
        evaluate(options(run, tmp_path / "other"), {"dataset": data["test_file"]})


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "e").write_text("mine")
    with pytest.raises(InputError, match=r"--output_dir: .* is a file"):
        evaluate(options(tmp_path / "run", tmp_path / "e", overwrite=True), {})


def test_a_folder_that_cannot_be_made_is_the_worlds_fault(save_classifier, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match=r"--output_dir: cannot write to .*: Not a directory"):
        evaluate(options(save_classifier(LABELS), tmp_path / "file" / "e"), {})


def break_weights(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["classifier.bias"][:] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})


def test_an_evaluation_that_fails_midway_leaves_nothing(save_classifier, tmp_path):
    run = save_classifier(LABELS)
    break_weights(run)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="outputs for 2225 of 2225 texts are no numbers"):
        evaluate(options(run, tmp_path / "e"), {})
    assert contents(tmp_path) == before


def test_an_evaluation_that_fails_midway_leaves_the_earlier_one(save_classifier, tmp_path):
    run = save_classifier([*LABELS[:4], "science"])
    write_json(tmp_path / "e" / "evaluation.json", {"earlier": True})
    with pytest.raises(InputError, match="does not know the label 'tech'"):
        evaluate(options(run, tmp_path / "e", overwrite=True), {})
    assert read_json(tmp_path / "e" / "evaluation.json") == {"earlier": True}
    assert not list(tmp_path.glob(".*"))
