"""From options to runs: each run once, equal to `train` alone, whatever fails or stops."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bbc_classifier.compare.grid import Grid
from bbc_classifier.compare.report import report, write_report
from bbc_classifier.config import CompareArguments, ReportArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.training.train import train


def hashes(path: Path) -> dict[str, str]:
    """Return the hash of the weights of every trained run."""
    records = {file.parent.name: json.loads(file.read_text()) for file in path.glob("runs/*/record.json")}
    return {name: record["model"]["weights_sha256"] for name, record in records.items() if "model" in record}


def test_every_run_and_baseline_is_trained_and_reported(trained):
    expected = {f"tiny-bert-pooler-seed42-fold{fold}" for fold in (0, 1)}
    expected |= {f"{name}-fold{fold}" for name in BASELINES for fold in (0, 1)}
    assert {path.name for path in (trained.path / "runs").iterdir()} == expected
    assert trained.failed == {} and trained.num_finished == len(expected)
    assert list(trained.not_applicable) == ["tiny-distilbert-pooler"]
    results = write_report([trained.path], trained.path, command="bbc-classifier compare")
    assert {row["name"] for row in results["configurations"]} == {"tiny-bert-pooler", *BASELINES}
    assert results["protocol"] == {"folds": 2, "articles": 48}
    assert results["hardest_examples"] and all(row["title"] for row in results["hardest_examples"])
    row = next(row for row in results["configurations"] if row["encoder"])
    shapes, parts = row["shapes"], row["shapes"]["parameters"]
    assert sum(parts.values()) == row["num_parameters"] and parts["pooling"] == 24 * 24 + 24
    sizes = {"num_hidden_layers": 2, "hidden_size": 24, "pooled_size": 24, "num_labels": 3}
    assert {name: shapes[name] for name in sizes} == sizes
    html = (trained.path / "report.html").read_text()
    assert "1 × 16 × 24" in html and "24 × 3 + 3 = 75 parameters" in html


@pytest.mark.parametrize("mode", ["finetune", "linear_probe"])
def test_a_run_of_the_grid_equals_train_alone_bit_for_bit(mode, trained, train_grid, tmp_path):
    """The second seed of a linear probe uses the first one's embeddings."""
    path = trained.path
    if mode == "linear_probe":
        path = train_grid(tmp_path / "grid", {"max_length": 16}, seeds=2, poolings=["mean"], mode=mode).path
    options = json.loads((path / "comparison.json").read_text())["options"]
    grid = Grid(CompareArguments(**options["compare"]), options["train"])
    model, data, training = grid.arguments(grid.runs[1], tmp_path)
    assert (training.num_train_epochs == 0) == (mode == "linear_probe")
    alone = train(model, data, replace(training, disable_tqdm=True))
    assert alone.record["model"]["weights_sha256"] == hashes(path)[grid.runs[1].name]


def test_a_second_call_trains_only_what_is_missing(trained, train_grid, tiny_encoders, tmp_path, monkeypatch, caplog):
    path = shutil.copytree(trained.path, tmp_path / "copy")
    times = {file: file.stat().st_mtime_ns for file in path.glob("runs/*/record.json")}
    shutil.rmtree(path / "runs" / "tiny-bert-pooler-seed42-fold1")
    train_grid(path, {"folds": 2}, encoders=tiny_encoders, poolings=["pooler"])
    assert hashes(path) == hashes(trained.path)
    changed = {file.parent.name for file, time in times.items() if file.stat().st_mtime_ns != time}
    assert changed == {"tiny-bert-pooler-seed42-fold1"}
    with pytest.raises(UserError, match=r"poolings.*--overwrite"):
        train_grid(path, {"folds": 2}, encoders=tiny_encoders, poolings=["mean"])
    with pytest.raises(UserError, match="no-such-file"):
        train_grid(path, {"dataset": "no-such-file.csv", "overwrite": True})
    assert hashes(path) == hashes(trained.path)
    (path / "notes.txt").write_text("mine")
    monkeypatch.setattr("bbc_classifier.training.trainer.STEPS_TO_ESTIMATE", 2)
    monkeypatch.setattr("bbc_classifier.training.trainer.LONG_TRAINING_S", 0)
    with caplog.at_level("INFO", "bbc_classifier"):
        train_grid(path, {"folds": 2, "overwrite": True}, poolings=["mean"])
    assert (path / "notes.txt").exists() and not list(path.glob("runs/*pooler*"))
    (estimate,) = [entry for entry in caplog.messages if "take about" in entry]  # by the first training, once
    assert estimate.startswith("2 trainings like this take about 0 more minutes")


def test_a_failed_run_is_reported_and_the_others_continue(train_grid, tiny_bert_dir, tmp_path):
    """In two shards on few rows, with one smaller training size."""
    broken, missing = (shutil.copytree(tiny_bert_dir, tmp_path / name) for name in ("broken", "missing"))
    (broken / "model.safetensors").write_bytes(b"no weights")
    (missing / "config.json").write_text("{}")
    grid = {"encoders": [str(path) for path in (broken, missing, tiny_bert_dir)], "train_sizes": ["6", "all"]}
    for sizes, expected in ((["6"], {6}), (["2", "all"], {2, 8}), (["50"], {8})):
        runs = Grid(CompareArguments(encoders=["minilm"], train_sizes=sizes), {"max_train_samples": 8}).runs
        assert {run.train_size for run in runs} == expected
    failed = {}
    for shard in ("1/2", "2/2"):
        failed |= train_grid(tmp_path / "grid", {"max_train_samples": 12}, shard=shard, **grid).failed
    assert set(failed) == {f"{name}-cls-seed42-rows{rows}" for name in ("broken", "missing") for rows in (6, 12)}
    assert "cannot be loaded" in failed["missing-cls-seed42-rows6"]
    finished = {f"{name}-rows{rows}" for name in ("tiny-bert-cls-seed42", *BASELINES) for rows in (6, 12)}
    results = write_report([tmp_path / "grid"], tmp_path / "grid", command="")
    with pytest.raises(UserError, match="--overwrite"):
        report(ReportArguments(str(tmp_path / "grid")), [tmp_path / "grid"])
    report(ReportArguments(str(tmp_path / "grid"), overwrite=True), [tmp_path / "grid"])
    assert {file.parent.name for file in tmp_path.glob("grid/runs/*/record.json")} == finished
    assert results["failed"] == failed and results["configurations"][0]["train_size"] == 12
    assert sorted({row["train_rows"] for row in results["learning_curves"]}) == [6, 12]


@pytest.mark.parametrize(
    ("grid", "given", "message"),
    [
        ({"poolings": ["sum"]}, {}, "--poolings: 'sum'"),
        ({"encoders": ["no such"]}, {}, "--encoders"),
        ({"encoders": ["bert-base", "distilbert"]}, {}, "--encoders minilm --mode linear_probe"),  # no network
        ({}, {"encoder": "minilm"}, "--encoder: .*--encoders"),
        ({"mode": "linear_probe"}, {"num_train_epochs": 3.0}, "--num_train_epochs: .*--mode"),
        ({}, {"folds": 2, "fold": 0}, "--fold: "),
        ({}, {"hub_token": "hf_secret"}, "--hub_token: "),
        ({}, {"overwrite": True}, "--output_dir"),
        ({"shard": "1/2"}, {"overwrite": True}, "shard"),
        ({}, {"test_fraction": 0.0}, "--output_dir|test rows"),
    ],
)
def test_errors_that_leave_the_directory_as_it_is(grid, given, message, train_grid, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises((UserError, EnvironmentFailure), match=message):
        train_grid(tmp_path, given, **grid)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_recipes(tmp_path):
    few = {"recipe": "few"}
    for mode, given, recipe in (("finetune", {}, None), ("linear_probe", {}, "quick"), ("finetune", few, "few")):
        grid = Grid(CompareArguments(encoders=["minilm"], poolings=["mean"], mode=mode), given)
        assert grid.arguments(grid.runs[0], tmp_path)[0].recipe == recipe


@pytest.mark.slow
def test_a_grid_on_ray_equals_the_grid_here(trained, train_grid, tiny_encoders, tmp_path):
    outcome = train_grid(tmp_path / "grid", {"folds": 2}, engine="ray", encoders=tiny_encoders, poolings=["pooler"])
    assert outcome.failed == {} and hashes(outcome.path) == hashes(trained.path)
