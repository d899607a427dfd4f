"""From options to runs: each run once, equal to `train` alone, whatever fails or stops."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bbc_classifier.compare.grid import Grid
from bbc_classifier.compare.report import write_report
from bbc_classifier.config import CompareArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.training.train import train


def hashes(path: Path) -> dict[str, str]:
    """Return the hash of the weights of every trained run."""
    records = {file.parent.name: json.loads(file.read_text()) for file in path.glob("runs/*/record.json")}
    return {name: record["model"]["weights_sha256"] for name, record in records.items() if "model" in record}


def test_every_run_and_baseline_is_trained_and_reported(trained):
    configs = ("tiny-bert-pooler",)
    expected = {f"{name}-seed42-fold{fold}" for name in configs for fold in (0, 1)}
    expected |= {f"{name}-fold{fold}" for name in BASELINES for fold in (0, 1)}
    assert {path.name for path in (trained.path / "runs").iterdir()} == expected
    assert trained.failed == {} and trained.num_finished == len(expected)
    assert list(trained.not_applicable) == ["tiny-distilbert-pooler"]
    results = write_report([trained.path], trained.path, command="bbc-classifier compare")
    assert {row["name"] for row in results["configurations"]} == {*configs, *BASELINES}
    assert results["protocol"] == {"folds": 2, "articles": 48}
    assert all(row["title"] for row in results["hardest_examples"])


@pytest.mark.parametrize("mode", ["finetune", "linear_probe"])
def test_a_run_of_the_grid_equals_train_alone_bit_for_bit(mode, train_grid, tmp_path):
    """The second seed of a linear probe reuses the first one's embeddings."""
    outcome = train_grid(tmp_path / "grid", {"max_length": 16}, seeds=2, poolings=["mean"], mode=mode)
    options = json.loads((outcome.path / "comparison.json").read_text())["options"]
    grid = Grid(CompareArguments(**options["compare"]), options["train"], {})
    model, data, training = grid.arguments(grid.runs[1], tmp_path)
    assert (training.seed, model.pooling, training.num_train_epochs == 0) == (43, "mean", mode == "linear_probe")
    alone = train(model, data, replace(training, disable_tqdm=True))
    assert alone.record["model"]["weights_sha256"] == hashes(outcome.path)["tiny-bert-mean-seed43"]


def test_a_second_call_trains_only_what_is_missing(trained, train_grid, tiny_bert_dir, tiny_distilbert_dir, tmp_path):
    path = shutil.copytree(trained.path, tmp_path / "copy")
    before = hashes(path)
    times = {file: file.stat().st_mtime_ns for file in path.glob("runs/*/record.json")}
    shutil.rmtree(path / "runs" / "tiny-bert-pooler-seed42-fold1")
    encoders = [str(tiny_bert_dir), str(tiny_distilbert_dir)]
    train_grid(path, {"folds": 2}, encoders=encoders, poolings=["pooler"])
    assert hashes(path) == before
    changed = {file.parent.name for file, time in times.items() if file.stat().st_mtime_ns != time}
    assert changed == {"tiny-bert-pooler-seed42-fold1"}
    with pytest.raises(UserError, match=r"poolings.*--overwrite"):
        train_grid(path, {"folds": 2}, encoders=encoders, poolings=["mean"])


def test_a_failed_run_is_reported_and_the_others_continue(train_grid, tiny_bert_dir, tmp_path):
    broken = shutil.copytree(tiny_bert_dir, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    missing = shutil.copytree(tiny_bert_dir, tmp_path / "missing")
    (missing / "config.json").write_text("{}")
    encoders = [str(path) for path in (broken, missing, tiny_bert_dir)]
    outcome = train_grid(tmp_path / "grid", encoders=encoders)
    assert set(outcome.failed) == {"broken-cls-seed42", "missing-cls-seed42"}
    assert "cannot be loaded" in outcome.failed["missing-cls-seed42"]
    assert outcome.num_finished == 4
    results = write_report([outcome.path], outcome.path, command="")
    assert results["failed"] == outcome.failed
    assert "Failed: broken-cls-seed42" in (outcome.path / "report.html").read_text()


def test_shards_and_a_quick_look_at_few_rows(train_grid, tmp_path):
    given = {"max_train_samples": 12}
    for shard in ("1/2", "2/2"):
        train_grid(tmp_path / "grid", given, shard=shard, train_sizes=["6", "all"])
    runs = {path.name for path in (tmp_path / "grid" / "runs").iterdir()}
    assert runs == {f"{name}-rows{rows}" for name in ("tiny-bert-cls-seed42", *BASELINES) for rows in (6, 12)}
    results = write_report([tmp_path / "grid"], tmp_path / "grid", command="")
    assert results["configurations"][0]["train_size"] == 12
    assert sorted({row["train_rows"] for row in results["learning_curves"]}) == [6, 12]


@pytest.mark.parametrize(
    ("grid", "given", "message"),
    [
        ({"poolings": ["sum"]}, {}, "--poolings: 'sum' is not one of"),
        ({"encoders": ["no such"]}, {}, "--encoders: unknown encoder"),
        ({}, {"encoder": "minilm"}, "--encoder: compare sets this.* use --encoders"),
        ({}, {"folds": 2, "fold": 1}, "--fold: compare sets this"),
        ({"train_sizes": ["50"]}, {"max_train_samples": 20}, "--train_sizes 50 is more than"),
        ({}, {"dataset": "no-such-file.csv"}, "no-such-file"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(grid, given, message, train_grid, tmp_path):
    with pytest.raises(UserError, match=message):
        train_grid(tmp_path / "grid", given, **grid)
    assert not (tmp_path / "grid").exists()


def test_a_directory_with_other_files_is_not_touched(train_grid, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="--output_dir"):
        train_grid(tmp_path, {"overwrite": True})
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_without_the_hub_the_error_names_what_works_offline(train_grid, tmp_path):
    with pytest.raises(EnvironmentFailure, match="--encoders minilm --mode linear_probe"):
        train_grid(tmp_path / "grid", encoders=["bert-base", "distilbert"])


@pytest.mark.parametrize(
    ("mode", "given", "recipe"),
    [("finetune", {}, "standard"), ("linear_probe", {}, "default"), ("finetune", {"recipe": "accurate"}, "accurate")],
)
def test_recipes(mode: str, given: dict[str, Any], recipe: str, tmp_path):
    grid = Grid(CompareArguments(encoders=["minilm"], poolings=["mean"], mode=mode), given, {})
    model, _, training = grid.arguments(grid.runs[0], tmp_path)
    assert model.recipe == recipe
    assert (training.num_train_epochs == 0) == (mode == "linear_probe")


@pytest.mark.slow
def test_a_grid_on_ray_equals_the_grid_here(trained, train_grid, tiny_bert_dir, tiny_distilbert_dir, tmp_path):
    encoders = [str(tiny_bert_dir), str(tiny_distilbert_dir)]
    grid = {"encoders": encoders, "poolings": ["pooler"]}
    outcome = train_grid(tmp_path / "grid", {"folds": 2}, engine="ray", **grid)
    assert outcome.failed == {} and hashes(outcome.path) == hashes(trained.path)
