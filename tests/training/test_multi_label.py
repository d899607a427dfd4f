"""Articles with any number of labels, from options to a finished run, and what it does with them afterwards."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

from bbc_classifier.cli import main
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.predictions import read_given, read_predictions
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.evaluation.thresholds import choose_thresholds
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.records import read_json
from bbc_classifier.training.arguments import ModelArguments
from bbc_classifier.training.cross_validation import cross_validate
from bbc_classifier.training.run_folder import RunFolder
from tests.training.conftest import TAGS, SyntheticTags, replace_bbc_news, tiny_training
from tests.training.test_run import SCHEMA, interrupt_at, weights


@pytest.fixture(scope="module")
def finished(tiny_bert_folder, tmp_path_factory) -> RunFolder:
    """A run that has learnt; read it, do not write to it."""
    with pytest.MonkeyPatch.context() as patch:
        replace_bbc_news(patch, SyntheticTags())
        run = tiny_training(tiny_bert_folder, tmp_path_factory.mktemp("runs"))
        return run("tags", num_train_epochs=6, class_weights="balanced")


def test_the_recipe_learns_the_tags_better_than_giving_all_of_them(finished):
    test = read_json(finished.record)["evaluation"]["test"]
    support = np.array([row["support"] for row in test["per_class"].values()])
    always = np.mean(2 * support / (support + test["n"]))
    assert test["metrics"]["macro_f1"] > 0.9 > always + 0.2
    assert test["metrics"]["subset_accuracy"] > 0.8


def test_every_key_of_a_multi_label_record_is_in_the_schema_document(finished):
    record = read_json(finished.record)
    report = record["evaluation"]["test"]
    keys = set(record) | set(report) | {key for row in report["per_class"].values() for key in row}
    keys |= {name for name in report["metrics"] if not name.startswith(("micro_", "macro_", "weighted_"))}
    keys -= {"precision", "recall", "f1", "support"}  # named there as words
    assert keys <= set(re.findall(r"`([a-z0-9_]+)`", SCHEMA.read_text(encoding="utf-8")))
    figures = sorted(path.name for path in finished.figures.iterdir())
    assert figures == ["label_counts.png", "learning_curves.png"]


def test_the_thresholds_are_those_of_the_validation_side_and_ship_with_the_classifier(finished):
    record, config = read_json(finished.record), read_json(finished.model / "config.json")
    assert record["problem_type"] == config["problem_type"] == "multi_label_classification"
    assert list(record["thresholds"]) == TAGS
    assert list(record["thresholds"].values()) == config["label_thresholds"]
    assert config["label_thresholds"] == pytest.approx(thresholds_of_saved(finished), abs=1e-5)


def test_a_run_trained_in_bf16_is_calibrated_in_the_precision_it_is_used_in(run_tagging):
    run = run_tagging(precision="bf16", use_cpu=True, num_train_epochs=1)
    assert read_json(run.record)["training"]["precision"] == "bf16"
    assert read_json(run.model / "config.json")["label_thresholds"] == pytest.approx(thresholds_of_saved(run), abs=1e-5)


def thresholds_of_saved(run: RunFolder) -> list[float]:
    """Return what the reloaded classifier's validation predictions choose, up to the rounding of the folded head."""
    _, targets, probabilities = read_predictions(run.path / "predictions" / "validation.parquet", TAGS)
    return choose_thresholds(targets, probabilities)


def test_the_figures_follow_from_the_predictions(finished):
    record = read_json(finished.record)
    problem = problem_of(TAGS, multi_label=True, thresholds=list(record["thresholds"].values()))
    for side in ("validation", "test"):
        path = finished.path / "predictions" / f"{side}.parquet"
        row_ids, targets, probabilities = read_predictions(path, TAGS)
        assert row_ids == read_json(finished.split)[side]
        given = read_given(path, TAGS)
        assert (given == problem.give(probabilities)).all()
        report = problem.report(targets, given, probabilities)
        assert {name: record["evaluation"][side][name] for name in report} == report
        tags = [[TAGS[index] for index in np.flatnonzero(row)] for row in targets]
        assert tags == [SyntheticTags().tags(int(row_id.removeprefix("row/"))) for row_id in row_ids]


def test_balanced_weights_are_those_of_the_training_side(finished):
    numbers = [int(row_id.removeprefix("row/")) for row_id in read_json(finished.split)["train"]]
    totals = [sum(tag in SyntheticTags().tags(number) for number in numbers) for tag in TAGS]
    expected = [sum(totals) / (3 * total) for total in totals]
    assert read_json(finished.model / "config.json")["class_weights"] == pytest.approx(expected)


def test_the_reloaded_classifier_predicts_what_the_librarys_pipeline_does(finished):
    unseen, source = (122, 123, 125), SyntheticTags()
    assert [source.tags(number) for number in unseen] == [["business"], [], ["sport", "tech"]]
    texts = [source.text(number) for number in unseen]
    answers = NewsClassifier.from_pretrained(str(finished.path), device="cpu").predict(texts)
    assert [sorted(answer.labels) for answer in answers] == [source.tags(number) for number in unseen]
    theirs = pipeline("text-classification", model=str(finished.model), top_k=None, device="cpu")(texts)
    for answer, scores in zip(answers, theirs, strict=True):
        expected = {score["label"]: score["score"] for score in scores}
        assert answer.probabilities == pytest.approx(expected, abs=1e-6)


def test_the_temperature_is_folded_into_the_saved_head(run_tagging):
    record = read_json(run_tagging(num_train_epochs=1, metric_for_best_model="log_loss").record)
    assert record["temperature"] != 1
    best = record["training"]["best_value"]
    assert record["evaluation"]["validation"]["metrics"]["log_loss"] <= best + 1e-6


def test_a_resumed_run_is_the_uninterrupted_run_bit_for_bit(run_tagging, monkeypatch):
    options = {"num_train_epochs": 1, "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps"}
    options |= {"eval_steps": 4, "classifier_dropout": 0.3}
    whole = run_tagging("whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        with pytest.raises(KeyboardInterrupt):
            run_tagging("broken", **options)
    resumed = run_tagging("broken", resume_from_checkpoint="last", **options)
    assert weights(whole) == weights(resumed)
    assert read_json(whole.record)["thresholds"] == read_json(resumed.record)["thresholds"]


def test_a_checkpoint_can_be_chosen_by_a_figure_of_label_sets_of_which_less_is_better(run_tagging):
    steps = {"max_steps": 9, "save_strategy": "steps", "save_steps": 3, "eval_strategy": "steps", "eval_steps": 3}
    folder = run_tagging(metric_for_best_model="hamming_loss", **steps)
    values = [entry["eval_hamming_loss"] for entry in read_json(folder.history) if "eval_hamming_loss" in entry]
    assert read_json(folder.record)["training"]["best_value"] == min(values) < max(values)


def test_a_checkpoint_cannot_be_chosen_by_a_figure_of_the_other_kind_and_an_old_run_stays(run_tagging):
    before = weights(run_tagging(max_steps=1))
    with pytest.raises(InputError, match="'accuracy' is no figure of a multi_label_classification; it has loss, log_"):
        run_tagging(metric_for_best_model="accuracy", overwrite=True)
    assert weights(run_tagging(max_steps=1)) == before


def test_folds_are_pooled_as_they_were_given_under_thresholds_of_their_own(synthetic_tags, tiny_bert_folder, tmp_path):
    record = cross_validate(
        ModelArguments(encoder=str(tiny_bert_folder), frozen_layers=0),
        DataArguments(max_length=24),
        {"max_steps": 8, "per_device_train_batch_size": 8, "disable_tqdm": True, "learning_rate": 5e-3},
        folds=2,
        output_dir=tmp_path / "folds",
        record=tmp_path / "record.json",
    )
    folds = [read_json(tmp_path / "folds" / f"fold-{fold}" / "record.json") for fold in range(2)]
    assert folds[0]["thresholds"] != folds[1]["thresholds"]
    pooled = record["out_of_fold"]
    assert pooled["n"] == 120
    assert pooled["correct"] == sum(fold["evaluation"]["test"]["correct"] for fold in folds)
    assert {row["threshold"] for row in pooled["per_class"].values()} == {None}
    assert all({"subset_accuracy", "macro_f1", "log_loss"} <= set(figures) for figures in record["folds"])


def test_every_command_speaks_of_label_sets(synthetic_tags, tiny_bert_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    quick = ["--frozen_layers", "0", "--max_length", "24", "--max_steps", "2", "--disable_tqdm", "true"]
    assert main(["train", "--encoder", str(tiny_bert_folder), *quick]) == 0
    folder = Path("runs") / "tiny-bert-mean-seed42"
    printed = capsys.readouterr().out
    assert all(words in printed for words in ("subset accuracy", "hamming loss", "micro f1", "threshold"))
    assert main(["evaluate", "--model", str(folder)]) == 0
    assert "subset accuracy" in capsys.readouterr().out
    again = read_json(Path("evaluations") / folder.name / "evaluation.json")["evaluation"]["test"]
    assert again["metrics"] == read_json(folder / "record.json")["evaluation"]["test"]["metrics"]
    texts = ["the goal match", "the phone"]
    assert main(["predict", "--model", str(folder), "--format", "json", *texts]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["predict", "--model", str(folder), *texts]) == 0
    for answer, line in zip(answers, capsys.readouterr().out.splitlines(), strict=True):
        assert line.startswith(", ".join(answer["labels"]) or "unsure")
        assert set(answer["labels"]) <= set(answer["probabilities"]) == set(TAGS)
