"""From options to a finished run: what is in the directory, and what is the same whichever way one gets there."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from bbc_classifier.config import DataArguments
from bbc_classifier.data.loading import load_splits
from bbc_classifier.errors import TrainingDivergedError, UserError
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.io import directory_lock, file_sha256, read_json
from tests.training.conftest import TAGS, tagged, titled, topics, weights

PROBE = {"head_init": "linear_probe", "num_train_epochs": 0.0}
STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1}


def test_a_run_holds_the_documented_files_a_complete_record_and_the_predictions_of_its_classifier(
    run, tiny_bert_dir, tmp_path, monkeypatch
):
    monkeypatch.undo()  # with figures
    result = run(num_train_epochs=6)
    files = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert files == {
        *(f"figures/{name}.png" for name in ("confusion_matrix", "confusion_matrix_normalized", "learning_curves")),
        *(f"model/{name}_pooled_encoder.py" for name in ("configuration", "modeling")),
        *(f"model/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")),
        *(f"predictions/{split}.parquet" for split in ("test", "validation")),
        *(f"{name}.json" for name in ("history", "options", "record", "seen_texts", "split")),
    }
    record = read_json(result.run_dir.record)
    assert record == json.loads(json.dumps(result.record))
    assert set(record) == set(
        "schema created options encoder model data training problem_type temperature adaptive_reading "
        "suggested_min_confidence thresholds evaluation baseline examples seconds peak_memory_mb provenance".split()
    )
    assert record["model"]["weights_sha256"] == file_sha256(result.run_dir.model / "model.safetensors")
    assert record["encoder"]["weights_sha256"] == file_sha256(tiny_bert_dir / "model.safetensors")
    assert {"truncated_share", "seconds", "metrics", "intervals"} <= set(record["evaluation"]["validation"])
    assert result.metrics["accuracy"] >= 0.9 and len(record["examples"]) == 5
    for path in (result.run_dir.record, *result.run_dir.model.glob("*.json")):  # these are published
        assert str(tiny_bert_dir.parent) not in path.read_text(encoding="utf-8"), path
    table, split = pd.read_parquet(result.run_dir.predictions / "test.parquet"), read_json(result.run_dir.split)
    assert table["row_id"].tolist() == split["test"]
    classifier = Predictor.from_pretrained(result.run_dir)
    probabilities = classifier.predict_proba(load_splits(DataArguments(), topics()).dataset["test"]["text"])
    np.testing.assert_allclose(table[[f"p_{name}" for name in classifier.label_names]], probabilities, atol=1e-6)
    assert len(classifier.tokenizer("goal " * 500)["input_ids"]) == 502  # the model cuts texts, not the tokenizer


def test_seed_and_options_decide_the_weights_and_a_finished_run_is_returned(run):
    first, again, other = run("a", max_steps=2), run("b", max_steps=2), run("c", max_steps=2, seed=7)
    assert weights(first) == weights(again) != weights(other)
    before = {path: path.stat().st_mtime_ns for path in first.run_dir.path.rglob("*")}
    finished = run("a", max_steps=2, hub_license="mit", resume_from_checkpoint="last")
    assert not finished.is_new and finished.record == read_json(first.run_dir.record)
    assert first.record["options"]["data"]["dataset"] == "memory"
    for options, message in (
        ({"pooling": "max"}, "pooling: mean, now max"),
        ({"dataset": topics(each=21)}, "identity"),
        ({"max_length": 65, "overwrite": True}, "64 tokens"),
        ({"overwrite": True, "resume_from_checkpoint": "last"}, "--overwrite"),
    ):
        with pytest.raises(UserError, match=message):
            run("a", max_steps=2, **options)
    assert {path: path.stat().st_mtime_ns for path in first.run_dir.path.rglob("*")} == before
    (first.run_dir.export / "onnx").mkdir(parents=True)
    (first.run_dir.path / "thesis.txt").touch()
    assert weights(run("a", max_steps=2, pooling="max", overwrite=True)) != weights(again)
    assert (first.run_dir.path / "thesis.txt").exists() and not first.run_dir.export.exists()


def test_few_rows_are_trained_for_three_epochs_and_the_last_step_is_kept(run):
    batches = {"min_steps": 10, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 8}
    for given, epochs in (({}, 3), ({"min_steps": 10}, 2), (batches, 2), ({"num_train_epochs": 1.0}, 1)):
        result = run(f"epochs{len(given)}{epochs}", recipe="default", **given)
        scores = [entry["eval_accuracy"] for entry in read_json(result.run_dir.history) if "eval_accuracy" in entry]
        training, evaluation = result.record["training"], result.record["evaluation"]
        assert training["best_metric"] is None and scores[-1] == evaluation["validation"]["metrics"]["accuracy"]
        assert (len(scores), training["epochs"], training["best_step"]) == (epochs, epochs, training["global_step"])


def test_other_files_are_never_touched_and_a_directory_in_use_is_refused(run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match="--output_dir"):
            run(overwrite=overwrite)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]
    with directory_lock(tmp_path / "used", "training"), pytest.raises(UserError, match="another process is training"):
        run("used")


BALANCED = {"class_weights": "balanced", "label_smoothing_factor": 0.1, "truncation": "head+tail", "optim": "sgd"}
LAST = {"load_best_model_at_end": False, "train_sampling_strategy": "sequential", "gradient_checkpointing": True}
LAST |= {"metric_for_best_model": "loss", "precision": "bf16", "full_determinism": True}


@pytest.mark.parametrize("options", [{**BALANCED, "encoder_dropout": 0.2, **STEPS, "save_strategy": "best"}, LAST])
def test_options_reach_a_finished_run(run, options):
    result = run(max_steps=2, dataset=tuple(column[:-10] for column in topics()), **options)  # one label is rarer
    torch.use_deterministic_algorithms(False)
    record, counts = result.record["options"], result.record["data"]["label_counts"]["train"]
    recorded = {**record["model"], **record["data"], **record["training"], **record["training"]["trainer_kwargs"]}
    assert {name: recorded[name] for name in options} == options
    balanced = pytest.approx([sum(counts.values()) / (len(counts) * count) for count in counts.values()])
    class_weights = read_json(result.run_dir.model / "config.json").get("class_weights")
    assert class_weights == (balanced if "class_weights" in options else None)


def test_texts_without_words_have_no_tfidf_baseline(run):
    texts = [f"{mark} " * (number + 1) for mark in "!?" for number in range(12)]
    assert run(dataset=(texts, ["a"] * 12 + ["b"] * 12), max_steps=1, near_duplicates=False).record["baseline"] is None


@pytest.mark.parametrize(("data", "options"), [(topics, {}), (tagged, {}), (titled, {"excerpts": ["title"]})])
def test_linear_probe_alone_is_refit_on_validation_and_measured_before(run, data, options):
    runs = [run(str(refit), data(), refit_on_validation=refit, **options, **PROBE) for refit in (True, False)]
    refit, once = (each.record for each in runs)
    assert refit["training"]["global_step"] == refit["training"]["best_step"] == 0
    assert (refit["training"]["num_rows"] > refit["data"]["split_sizes"]["train"]) == bool(options)
    assert refit["training"]["refit_on_validation"] and not once["training"]["refit_on_validation"]
    assert (refit["temperature"], refit["thresholds"]) == (once["temperature"], once["thresholds"])
    before, after = (each["evaluation"]["validation"]["metrics"] for each in (refit, once))
    assert before == pytest.approx(after, abs=1e-5)
    assert next(iter(runs[0].metrics.values())) > 0.8
    saved = [load_file(each.run_dir.model / "model.safetensors") for each in runs]
    assert not torch.equal(saved[0]["classifier.weight"], saved[1]["classifier.weight"])


def test_a_finished_run_is_an_encoder_that_reads_as_before(run):
    first = run("first", num_train_epochs=6, max_length=17, window_length=9)
    second = run("second", encoder=str(first.run_dir.path), max_length=None, learning_rate=1e-7, max_steps=1)
    config = read_json(second.run_dir.model / "config.json")
    assert (config["max_input_tokens"], config["window_length"]) == (17, 9)
    assert second.metrics["accuracy"] >= 0.9  # the head is kept
    assert second.record["encoder"]["weights_sha256"] == first.record["model"]["weights_sha256"]
    assert first.record["encoder"]["test_rows_seen"] == second.record["encoder"]["test_rows_seen"] == 0
    probe = run("probe", recipe="quick", max_length=17)
    assert run("next", encoder=str(probe.run_dir.path), max_length=17).record["options"]["model"]["recipe"] == "quick"
    third = run("third", encoder=str(first.run_dir.model), max_length=None, split_seed=1, max_steps=1)
    test = set(read_json(third.run_dir.split)["test"])
    fitted = {row for split in ("train", "validation") for row in read_json(first.run_dir.split)[split]}
    assert third.record["encoder"]["test_rows_seen"] == len(test & fitted) > 0
    assert set(read_json(first.run_dir.seen_texts)) <= set(read_json(third.run_dir.seen_texts))


def test_multi_label_data_and_metrics_and_callbacks_from_python(run):
    steps = []

    class Steps(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            steps.append(state.global_step)

    def equal_cells(prediction):
        return {"equal_cells": float(((prediction.predictions > 0) == prediction.label_ids).mean())}

    options = {"compute_metrics": equal_cells, "metric_for_best_model": "equal_cells", "callbacks": [Steps()]}
    result = run(dataset=tagged(), num_train_epochs=8, **options)
    assert read_json(result.run_dir.model / "config.json")["problem_type"] == "multi_label_classification"
    assert list(result.record["thresholds"]) == TAGS and result.metrics["micro_f1"] > 0.8
    assert steps == list(range(1, result.record["training"]["global_step"] + 1))
    assert any("eval_equal_cells" in log for log in read_json(result.run_dir.history))


class Extreme(TrainerCallback):
    def __init__(self, step, factor):
        self.step, self.factor = step, factor

    def on_step_begin(self, args, state, control, model, **kwargs):
        model.classifier.weight.data[:, 5] *= self.factor if state.global_step == self.step else 1


class NoGradient(TrainerCallback):
    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        for parameter in model.encoder.parameters():
            parameter.grad *= 1e-30


def test_extreme_weights_and_an_encoder_that_does_not_move_are_errors(run):
    cases = ((Extreme(0, 1e12), "step"), (Extreme(11, float("nan")), "12"), (NoGradient(), "nothing was trained"))
    for callback, message in cases:
        with pytest.raises(TrainingDivergedError, match=message):
            run(message.replace("step", "run"), max_steps=12, callbacks=[callback])
    training = run(max_steps=13).record["training"]  # nothing was trained, so other options may follow
    assert list(training["weight_change"]) == ["embeddings", "layer 0", "layer 1", "head"]
    assert min(training["weight_change"].values()) > 1e-5
    assert training["grad_norm"]["last"] > 0 and training["grad_norm"]["first"] < 100


def test_options_are_refused_before_anything_is_written(run, tmp_path):
    for options, flag in (
        ({"metric_for_best_model": "micro_f1"}, "--metric_for_best_model"),
        ({"encoder": "nothing"}, "--encoder"),
        ({"num_train_epochs": 0.0}, "--head_init"),
        ({"test_fraction": 0.0, "push_to_hub": True}, "--push_to_hub"),
    ):
        with pytest.raises(UserError, match=flag):
            run(**options)
    assert list(tmp_path.iterdir()) == []
