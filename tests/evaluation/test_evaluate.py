"""The evaluate command's function: which rows it takes, which it refuses, and what it writes; and the baselines."""

import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import IN_MEMORY, DataArguments, EvaluateArguments
from bbc_classifier.data.duplicates import text_hash
from bbc_classifier.data.loading import LoadedData, load_splits
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.baselines import BASELINES, run_baseline
from bbc_classifier.evaluation.evaluate import evaluate, evaluate_split
from bbc_classifier.io import file_sha256, read_json, write_json
from tests.tiny import write_csv

TOPICS = {"sport": "goal match team", "business": "shares market fell"}
write_news = partial(write_csv, fields=("headline", "label"), delimiter=";")


def rows_of(start, stop):
    return [(f"{words} number {n}", label) for n in range(start, stop) for label, words in TOPICS.items()]


def make_run(path: Path, model_dir: Path, dataset: object = None, **data: object) -> Path:
    """Write what training leaves of a run on these data, with an untrained classifier."""
    args = DataArguments(near_duplicates=False, **data)
    loaded = load_splits(args, dataset)
    shutil.copytree(model_dir, path / "model")
    known = {name: loaded.info[name] for name in ("identity", "split_fingerprint")}
    given = {"dataset": IN_MEMORY} if dataset is not None else {}
    write_json(path / "options.json", {"data": asdict(args) | given, "dataset": known})
    seen = [text for split in ("train", "validation") for text in loaded.dataset[split]["text"]]
    write_json(path / "seen_texts.json", [text_hash(text) for text in seen])
    write_json(path / "split.json", {split: list(rows["row_id"]) for split, rows in loaded.dataset.items()})
    return path


def run_evaluation(model: Path, output_dir: Path | None = None, dataset: object = None, **options: object) -> dict:
    args = {name: options.pop(name) for name in ("split", "overwrite") if name in options}
    path = evaluate(EvaluateArguments(str(model), output_dir=output_dir and str(output_dir), **args), options, dataset)
    return read_json(path / "evaluation.json") | {"path": path}


@pytest.fixture
def run(tmp_path, tiny_model_dir, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    options = {"train_file": write_news(tmp_path / "news.csv", rows_of(0, 20)), "delimiter": ";"}
    return make_run(tmp_path / "run", tiny_model_dir, text_column=["headline"], **options)


def test_without_data_options_the_test_split_of_the_run_is_evaluated(run, tmp_path):
    record = run_evaluation(run)
    assert record["path"] == Path("evaluations/run") and record["model"]["name"] == "run"
    assert record["model"]["weights_sha256"] == file_sha256(run / "model" / "model.safetensors")
    assert record["data"]["split_fingerprint"] == read_json(run / "options.json")["dataset"]["split_fingerprint"]
    table = pd.read_parquet(record["path"] / "predictions" / "test.parquet")
    report = record["evaluation"]["test"]
    assert report["n"] == len(table) == record["data"]["split_sizes"]["test"]
    assert report["correct"] == (table["label"] == table["prediction"]).sum()
    best = table[["p_business", "p_sport"]].to_numpy().argmax(axis=1)
    assert table["prediction"].tolist() == [["business", "sport"][index] for index in best]
    assert report["truncated_share"] == 0 and str(tmp_path) not in json.dumps(record["data"] | record["options"])


def test_other_data_are_read_with_the_columns_and_delimiter_of_the_run_and_the_split_asked_for(run, tmp_path):
    record = run_evaluation(run, test_file=write_news(tmp_path / "other.csv", rows_of(50, 56)))
    assert record["path"] == Path("evaluations/run-on-other") and record["evaluation"]["test"]["n"] == 12
    plain = write_csv(tmp_path / "plain.csv", rows_of(50, 56))
    record = run_evaluation(run / "model", test_file=plain, delimiter=",", text_column=["text"])
    assert record["path"] == Path("evaluations/run-on-plain")
    options = {"train_file": rows_of(30, 32), "test_file": rows_of(40, 41)}
    options = {name: write_news(tmp_path / f"{name}.csv", rows) for name, rows in options.items()}
    for split, n in (("auto", 2), ("all", 6)):
        assert run_evaluation(run, tmp_path / split, split=split, **options)["evaluation"]["test"]["n"] == n


def test_texts_seen_in_training_are_refused_or_left_out(run, tmp_path):
    rows = [("GOAL, match team: number 3!", "sport"), *rows_of(0, 20), *rows_of(70, 72)]
    mixed = write_news(tmp_path / "mixed.csv", rows)
    with pytest.raises(UserError, match=r"the text of \d+ of 45 rows, first 'mixed\.csv:\d+'; add --drop_leaked"):
        run_evaluation(run, tmp_path / "e", test_file=mixed)
    assert not (tmp_path / "e").exists()
    record = run_evaluation(run, tmp_path / "e", test_file=mixed, drop_leaked_rows=True)
    dropped, n = record["data"]["seen_texts_dropped"], record["evaluation"]["test"]["n"]
    assert dropped - len(read_json(run / "seen_texts.json")) in (0, 1) and n == 45 - dropped
    assert record["data"]["split_sizes"]["test"] == sum(record["data"]["label_counts"]["test"].values()) == n
    export = shutil.copytree(run / "model", run / "export" / "onnx")
    assert run_evaluation(export)["path"] == Path("evaluations/run-onnx")
    with pytest.raises(UserError, match="--drop_leaked"):
        run_evaluation(export, tmp_path / "f", test_file=mixed)
    write_json(run / "seen_texts.json", [])  # as if other columns were read: the same rows have other texts
    with pytest.raises(UserError, match="add --drop_leaked"):
        run_evaluation(run, tmp_path / "f", split="all")


def test_the_runs_own_file_by_name_and_data_in_memory_give_the_test_split(run, tmp_path, tiny_model_dir):
    n = run_evaluation(run)["evaluation"]["test"]["n"]
    named = run_evaluation(run, tmp_path / "named", train_file=str(tmp_path / "news.csv"))
    assert named["evaluation"]["test"]["n"] == n
    frame = pd.DataFrame(rows_of(0, 20), columns=["text", "label"])
    in_memory = make_run(tmp_path / "in-memory", tiny_model_dir, dataset=frame)
    assert run_evaluation(in_memory, dataset=frame)["evaluation"]["test"]["n"] == n
    with pytest.raises(UserError, match="in memory"):
        run_evaluation(in_memory)
    options = {"train_file": str(tmp_path / "news.csv"), "delimiter": ";", "text_column": ["headline"]}
    untested = make_run(tmp_path / "untested", tiny_model_dir, test_fraction=0, **options)
    with pytest.raises(UserError, match="no test rows"):
        run_evaluation(untested)
    write_news(tmp_path / "news.csv", rows_of(5, 25))
    with pytest.raises(UserError, match="have changed"):
        run_evaluation(run)


def test_what_is_refused_and_an_earlier_evaluation_replaced_with_overwrite(run, tmp_path):
    run_evaluation(run)
    with pytest.raises(UserError, match="--overwrite"):
        run_evaluation(run)
    Path("evaluations/run/predictions/stale.parquet").touch()
    path = run_evaluation(run, overwrite=True)["path"]
    written = {"evaluation.json", "confusion_matrix.png", "confusion_matrix_normalized.png", "test.parquet"}
    assert {file.name for file in path.rglob("*.*")} == written
    write_json(tmp_path / "mine" / "thesis.json", {})
    with pytest.raises(UserError, match="--output_dir"):
        run_evaluation(run, tmp_path / "mine", overwrite=True)
    shutil.copytree(run / "model", "alone")
    with pytest.raises(UserError, match="--dataset"):
        run_evaluation(Path("alone"))
    film = write_news(tmp_path / "film.csv", [("a film", "cinema")])
    for options, named in (({"max_length": 16}, "--max_length"), ({"test_file": film}, "'cinema'")):
        with pytest.raises(UserError, match=named):
            run_evaluation(run, tmp_path / "e", **options)
        assert not (tmp_path / "e").exists()


class FixedClassifier:
    """A multi-label classifier with given probabilities."""

    label_names, thresholds, multi_label = ["a", "b"], [0.5, 0.2], True

    def probabilities(self, texts):
        return np.array([[0.9, 0.1], [0.4, 0.3]]), [False, True]

    def predict_proba(self, texts):
        return self.probabilities(texts)[0]


def test_a_multi_label_split_is_written_with_lists_of_labels(tmp_path):
    label = List(ClassLabel(names=["b", "a"]))
    features = Features({"row_id": Value("string"), "text": Value("string"), "label": label})
    rows = {"row_id": ["1", "2"], "text": ["x", "y"], "label": [[1], [0, 1]]}
    info = {"name": "tags", "has_titles": False}
    data = LoadedData(DatasetDict(test=Dataset.from_dict(rows, features=features)), info)
    report = evaluate_split(FixedClassifier(), data, "test", tmp_path)
    assert (report["n"], report["correct"], report["truncated_share"]) == (2, 1, 0.5)
    whole = report["by_length"]["whole"]
    assert (whole["correct"], whole["mean_confidence"], report["by_length"]["first_sentence"]) == (1, None, whole)
    table = pd.read_parquet(tmp_path / "predictions" / "test.parquet")
    assert [list(row) for row in table["prediction"]] == [["a"], ["b"]] and table["p_b"].tolist() == [0.1, 0.3]
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["label_errors.png"]
    single = load_splits(DataArguments(), (["x y", "z w"] * 20, ["a", "b"] * 20), split="all")
    with pytest.raises(UserError, match="any number of labels per text, but data has exactly one"):
        evaluate_split(FixedClassifier(), single, "test", tmp_path)
    with pytest.raises(UserError, match="baselines predict one label"):
        run_baseline("majority", data)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_fitted_on_train_and_validation(name):
    frame = pd.DataFrame(rows_of(0, 30)[:-9], columns=["text", "label"])
    data = load_splits(DataArguments(near_duplicates=False), frame)
    result = run_baseline(name, data)
    assert result.predictions.shape == (result.report["n"],) == (data.info["split_sizes"]["test"],)
    assert (result.probabilities is None) == (name == "tfidf-svm") == ("log_loss" not in result.report["metrics"])
    assert result.report["metrics"]["accuracy"] >= (0.3 if name == "majority" else 0.9)
    for splits in (["train"], ["train", "validation"]) if name == "majority" else ():
        counts = [sum(data.info["label_counts"][split][label] for split in splits) for label in data.label_names]
        fitted = run_baseline(name, data, use_validation=len(splits) == 2)
        assert fitted.probabilities[0] == pytest.approx(np.array(counts) / sum(counts))
