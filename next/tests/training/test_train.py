"""From options to a finished run: what is in the directory, and what is the same whichever way one gets there."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, TrainerCallback

from bbc_classifier.errors import EnvironmentFailure, TrainingDivergedError, UserError
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.io import directory_lock, file_sha256, read_json
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training import train as train_module
from bbc_classifier.training.trainer import ClassifierTrainer
from tests.training.conftest import TAGS, tagged, topics, weights

PROBE = {"head_init": "linear_probe", "num_train_epochs": 0.0}
STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1}


def test_a_run_holds_the_documented_files_and_a_complete_record(run, tiny_bert_dir, tmp_path, monkeypatch):
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
        "schema created options encoder model data training problem_type temperature thresholds evaluation examples "
        "seconds peak_memory_mb provenance".split()
    )
    assert record["schema"] == 2 and set(record["options"]) == {"model", "data", "training"}
    assert set(record["encoder"]) == {"name", "origin", "hub_id", "revision", "weights_sha256"}
    assert set(record["training"]) == set(
        "precision attn_implementation device num_processes global_step epochs best_step best_metric train_loss "
        "resumed refit_on_validation head_max_abs_weight".split()
    )
    assert record["model"]["weights_sha256"] == file_sha256(result.run_dir.model / "model.safetensors")
    assert record["encoder"]["weights_sha256"] == file_sha256(tiny_bert_dir / "model.safetensors")
    assert {"truncated_share", "seconds", "metrics", "intervals"} <= set(record["evaluation"]["validation"])
    assert result.metrics["accuracy"] >= 0.9 and result.is_new and len(repr(result)) < 200
    assert len(record["examples"]) == 5


def test_nothing_that_is_published_names_a_directory_of_this_machine(run, tiny_bert_dir):
    result = run(max_steps=1)
    for path in (result.run_dir.record, *result.run_dir.model.glob("*.json")):
        assert str(tiny_bert_dir.parent) not in path.read_text(encoding="utf-8"), path
    assert read_json(result.run_dir.options)["model"]["encoder"] == str(tiny_bert_dir)


def test_predictions_are_those_of_the_saved_classifier_and_its_tokenizer_has_no_limit(run):
    result = run(max_steps=3)
    table = pd.read_parquet(result.run_dir.predictions / "test.parquet")
    split = read_json(result.run_dir.split)
    assert table["row_id"].tolist() == split["test"]
    classifier = TextClassifier.from_pretrained(result.run_dir)
    data = train_module.load_splits(train_module.DataArguments(), topics())
    probabilities = classifier.predict_proba(data.dataset["test"]["text"])
    np.testing.assert_allclose(table[[f"p_{name}" for name in classifier.label_names]], probabilities, atol=1e-6)
    assert len(AutoTokenizer.from_pretrained(result.run_dir.model)("goal " * 500)["input_ids"]) == 502
    assert len(read_json(result.run_dir.seen_texts)) == len(split["train"]) + len(split["validation"])


def test_seed_and_options_decide_the_weights_and_a_finished_run_is_returned(run):
    first, again, other = run("a", max_steps=2), run("b", max_steps=2), run("c", max_steps=2, seed=7)
    assert weights(first) == weights(again) != weights(other)
    before = {path: path.stat().st_mtime_ns for path in first.run_dir.path.rglob("*")}
    finished = run("a", max_steps=2, logging_steps=3, resume_from_checkpoint="last")
    assert not finished.is_new and finished.record == read_json(first.run_dir.record)
    assert {path: path.stat().st_mtime_ns for path in first.run_dir.path.rglob("*")} == before
    with pytest.raises(UserError, match="pooling: mean, now max"):
        run("a", max_steps=2, pooling="max")
    with pytest.raises(UserError, match="identity"):
        run("a", topics(each=21), max_steps=2)
    with pytest.raises(UserError, match="64 tokens"):
        run("a", max_steps=2, max_length=65, overwrite=True)
    assert weights(first) == weights(again)
    assert weights(run("a", max_steps=2, pooling="max", overwrite=True)) != weights(again)


def test_other_files_are_never_touched_and_a_directory_in_use_is_refused(run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match="--output_dir"):
            run(overwrite=overwrite)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]
    with directory_lock(tmp_path / "used", "training"), pytest.raises(UserError, match="another process is training"):
        run("used")


@pytest.mark.slow
def test_accumulated_gradients_equal_one_batch(run):
    options = {"max_steps": 2, "logging_steps": 1, "classifier_dropout": 0.0, "encoder_dropout": 0.0}
    plain = run("plain", per_device_train_batch_size=16, **options)
    parts = run("parts", per_device_train_batch_size=4, gradient_accumulation_steps=4, **options)
    losses = [[log["loss"] for log in read_json(each.run_dir.history) if "loss" in log] for each in (plain, parts)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {
            **{"class_weights": "balanced", "label_smoothing_factor": 0.1, "truncation": "head+tail"},
            **{"dataloader_drop_last": True, "optim": "sgd", "encoder_dropout": 0.2, "save_strategy": "best", **STEPS},
        },
        {
            **{"metric_for_best_model": "loss", "load_best_model_at_end": False, "activation_checkpointing": True},
            **{"precision": "bf16", "train_sampling_strategy": "sequential", "full_determinism": True},
        },
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_reach_a_finished_run(run, options):
    record = run(max_steps=2, **options).record["options"]
    recorded = {**record["model"], **record["data"], **record["training"], **record["training"]["trainer_kwargs"]}
    assert {name: recorded[name] for name in options} == options
    torch.use_deterministic_algorithms(False)


def test_frozen_layers_keep_their_weights_and_the_others_move(run, tiny_bert_dir):
    before = AutoModel.from_pretrained(tiny_bert_dir).state_dict()
    result = run(frozen_layers=1, weight_decay=0.1, max_steps=3, pooling="pooler")
    after = PooledEncoderForSequenceClassification.from_pretrained(result.run_dir.model).encoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    # The bias of a key adds the same to every score of a row, and softmax takes it away: it has no gradient.
    same -= {"encoder.layer.1.attention.self.key.bias"}
    assert same == {name for name in before if name.startswith(("embeddings.", "encoder.layer.0."))}


@pytest.mark.slow
def test_temperature_is_in_the_saved_head_and_lowers_the_log_loss(run):
    result = run(num_train_epochs=1, learning_rate=1e-3, metric_for_best_model="log_loss")
    validation = result.record["evaluation"]["validation"]["metrics"]
    assert result.record["temperature"] != 1
    assert validation["log_loss"] <= result.record["training"]["best_metric"] + 1e-6


@pytest.mark.slow
def test_early_stopping_ends_a_run_that_no_longer_improves(run):
    training = run(num_train_epochs=30, learning_rate=3e-2, early_stopping_patience=1).record["training"]
    assert training["epochs"] < 30 and training["best_step"] < training["global_step"]


def test_multi_label_data(run):
    result = run(dataset=tagged(), num_train_epochs=8)
    config = read_json(result.run_dir.model / "config.json")
    assert result.record["problem_type"] == config["problem_type"] == "multi_label_classification"
    assert list(result.record["thresholds"]) == TAGS and len(config["label_thresholds"]) == 3
    assert result.metrics["micro_f1"] > 0.8


@pytest.mark.parametrize("multi_label", [False, True])
def test_linear_probe_alone_is_refit_on_validation_and_measured_before(run, multi_label):
    data = tagged() if multi_label else topics()
    refit = run("refit", data, **PROBE)
    once = run("once", data, refit_on_validation=False, **PROBE)
    assert refit.record["training"]["global_step"] == refit.record["training"]["best_step"] == 0
    assert refit.record["training"]["refit_on_validation"] and not once.record["training"]["refit_on_validation"]
    assert weights(refit) != weights(once)
    assert refit.record["temperature"] == once.record["temperature"]
    assert refit.record["thresholds"] == once.record["thresholds"]
    before, after = (each.record["evaluation"]["validation"]["metrics"] for each in (refit, once))
    assert before == pytest.approx(after, abs=1e-5)
    assert not (refit.run_dir.figures / "learning_curves.png").exists()
    assert next(iter(refit.metrics.values())) > 0.8


def test_linear_probe_starts_better_than_random_and_the_cache_changes_nothing(run):
    accuracy = {
        head: run(head, head_init=head, max_steps=1, learning_rate=1e-6).metrics["accuracy"]
        for head in ("random", "linear_probe")
    }
    assert accuracy["linear_probe"] > accuracy["random"] + 0.2
    cache: dict = {}
    alone, first, second = run("alone", **PROBE), run("1", cache=cache, **PROBE), run("2", seed=7, cache=cache, **PROBE)
    assert weights(alone) == weights(first) == weights(second) and len(cache) == 1
    pooled = run("max", cache=cache, pooling="max", **PROBE)
    assert weights(pooled) != weights(first) and len(cache) == 2


@pytest.mark.slow
def test_lexical_head_is_fitted_and_refit(run):
    options = {"lexical_head": True, "distinct_tokens": True, **PROBE}
    saved = [
        load_file(each.run_dir.model / "model.safetensors")
        for each in (run("refit", **options), run("once", refit_on_validation=False, **options))
    ]
    for name in ("classifier.weight", "lexical_head.scores.weight", "lexical_head.idf"):
        assert not torch.equal(saved[0][name], saved[1][name]), name


def test_a_finished_run_is_an_encoder_that_reads_as_before(run, tiny_bert_dir):
    first = run("first", num_train_epochs=6, max_length=17, distinct_tokens=True)
    second = run("second", encoder=str(first.run_dir.path), max_length=None, learning_rate=1e-7, max_steps=1)
    config = read_json(second.run_dir.model / "config.json")
    assert (config["max_input_tokens"], config["distinct_tokens"]) == (17, True)
    assert second.record["options"]["data"]["max_length"] == 17
    assert second.metrics["accuracy"] >= 0.9  # the head is kept
    assert second.record["encoder"]["weights_sha256"] == first.record["model"]["weights_sha256"]


def test_metrics_and_callbacks_from_python(run):
    steps = []

    class Steps(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            steps.append(state.global_step)

    def first_label(prediction):
        return {"first": float((prediction.predictions.argmax(1) == 0).mean())}

    options = {"compute_metrics": first_label, "metric_for_best_model": "first", "callbacks": [Steps()]}
    result = run(num_train_epochs=1, **options)
    assert steps == list(range(1, result.record["training"]["global_step"] + 1))
    assert any("eval_first" in log for log in read_json(result.run_dir.history))


def test_extreme_weights_stop_the_first_step_with_a_sentence(run, monkeypatch):
    build = train_module.build_model

    def broken(*args):
        model, tokenizer = build(*args)
        model.classifier.weight.data[:, 5] *= 1e12
        return model, tokenizer

    with monkeypatch.context() as patch, pytest.raises(TrainingDivergedError, match="step"):
        patch.setattr(train_module, "build_model", broken)
        run(max_steps=4)
    assert run(max_steps=2).is_new  # nothing was trained, so other options may follow


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "--per_device_train_batch_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "--per_device_train_batch_size"),
        (OSError(28, "No space left on device"), "no space left"),
    ],
)
def test_full_memory_and_full_disk_are_sentences(run, monkeypatch, error, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(ClassifierTrainer, "training_step", fail)
    with pytest.raises(EnvironmentFailure, match=message):
        run(max_steps=2)


def test_options_are_refused_before_anything_is_written(run, tmp_path):
    for options, flag in (
        ({"metric_for_best_model": "micro_f1"}, "--metric_for_best_model"),
        ({"report_to": ["nothing"]}, "--report_to"),
        ({"encoder": "nothing"}, "--encoder"),
        ({"frozen_layers": 9}, "--encoder"),
        ({"num_train_epochs": 0.0}, "--head_init"),
        ({"lexical_head": True}, "--lexical_head"),
        ({"dataset": tagged(), "lexical_head": True, **PROBE}, "lexical_head"),
    ):
        with pytest.raises(UserError, match=flag):
            run(**options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="--dataloader_drop_last"):
        run(per_device_train_batch_size=500, dataloader_drop_last=True)


def test_tensorboard_logs_survive(run):
    pytest.importorskip("tensorboard")
    result = run(max_steps=2, report_to=["tensorboard"])
    assert list(result.run_dir.logs.glob("events*"))
