"""A finished run, built by hand, and a Hub on the loopback that this process pushes to."""

from functools import partial

import pytest
from huggingface_hub import HfApi, constants

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments, hyperparameters, resolve_recipe
from bbc_classifier.hub import push as push_module
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.io import file_sha256, read_json, write_json, write_text
from bbc_classifier.provenance import environment
from tests.hub_server import TOKEN, HubServer
from tests.tiny import LABELS, tiny_classifier

TEXTS = ("the shares fell in the market", "the team", "a minister and a vote in the party")


def make_record(weights, examples):
    """Return the record of a run on 100 short texts; 18 of 20 test texts are predicted correctly."""
    options = resolve_recipe(
        ModelArguments(encoder="/home/ann/encoders/tiny-bert"),
        DataArguments(dataset="/home/ann/topics.jsonl", max_length=16),
        TrainArguments(num_train_epochs=1.0),
    )
    scores = {"precision": 0.91, "recall": 0.9, "f1": 0.8994, "support": 4}
    bootstrap = "percentile bootstrap over rows, 2000 resamples, seed 0"
    counts = [[4 * (row == label) for row in LABELS] for label in LABELS]
    metrics = {"accuracy": 0.9, "macro_f1": 0.8994, "log_loss": 0.4123, "expected_calibration_error": 0.0517}
    method = {"level": 0.95, "accuracy": "Wilson score", "others": bootstrap, "calibration_bins": 15}
    test = {"n": 20, "correct": 18, "metrics": metrics, "interval_method": method, "truncated_share": 0.05}
    test |= {"intervals": {"accuracy": [0.699, 0.9721], "macro_f1": [0.7513, 1.0]}}
    test |= {"per_class": dict.fromkeys(LABELS, scores), "confusion_matrix": {"labels": LABELS, "counts": counts}}
    part = {"accuracy": 0.55, "interval": [0.34, 0.74], "mean_confidence": 0.85, "expected_calibration_error": 0.31}
    test["by_length"] = {"title": part, "whole": {**part, "accuracy": 0.9}}
    data = {"name": "topics.jsonl", "num_rows": 103, "num_unique_texts": 100, "exact_duplicates_dropped": 3}
    data |= {"near_duplicate_pairs": 7, "conflicting_labels": 1, "predefined_split": False, "leakage": {"test": 0}}
    data |= {"split_sizes": {"train": 60, "validation": 22, "test": 20}, "split_fingerprint": "f1" * 32}
    training = {"precision": "fp32", "device": "cpu", "num_processes": 1, "global_step": 48, "epochs": 1.5}
    training |= {"best_step": 36, "best_metric": 0.8765, "resumed": False, "refit_on_validation": False}
    training |= {"weight_change": {"layer 0": 0.0123, "head": 0.4}, "grad_norm": {"first": 5.1, "last": 1.4}}
    tfidf = {part: {"accuracy": 0.65, "expected_calibration_error": 0.11} for part in ("title", "whole")}
    record = {"options": hyperparameters(*options), "problem_type": "single_label_classification"}
    record |= {"encoder": {"name": "tiny-bert", "hub_id": None}, "temperature": 1.234, "thresholds": None}
    record["model"] = {"num_parameters": 12_345, "weights_sha256": file_sha256(weights), "labels": LABELS}
    record |= {"data": data, "training": training, "examples": examples, "provenance": environment()}
    record |= {"evaluation": {"validation": {"truncated_share": 0.04}, "test": test}, "seconds": {"total": 77.0}}
    baseline = {"name": "tfidf-logistic", "num_rows": 60, "metrics": {"accuracy": 0.8}, "by_length": tfidf}
    return record | {"baseline": baseline, "peak_memory_mb": {"rss": 1536.0}}


def edit_record(run_dir, **changes):
    """Change entries of a run's record: `edit_record(run, data={"name": "x"}, temperature=2.0)`."""
    record = read_json(run_dir / "record.json")
    for name, value in changes.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) else value
    write_json(run_dir / "record.json", record)


@pytest.fixture
def make_run(tokenizer, tmp_path):
    """Return a function that builds a finished run with this name; another bias gives other weights."""

    def make(name="tiny-run", bias=0.0):
        run_dir = tmp_path / "runs" / name
        model = tiny_classifier(max_input_tokens=16)
        model.classifier.bias.data[0] += bias
        model.save_pretrained(run_dir / "model")
        tokenizer.save_pretrained(run_dir / "model")
        classifier = Predictor.from_pretrained(run_dir / "model")
        examples = [{"text": text, "probabilities": classifier.classify([text])[0].probabilities} for text in TEXTS]
        for path in ("split.json", "model/training_args.bin", "figures/notes.txt", "figures/confusion_matrix.png"):
            write_text(run_dir / path, "not for others" if "png" not in path else "a picture")
        write_json(run_dir / "record.json", make_record(run_dir / "model" / "model.safetensors", examples))
        return run_dir

    return make


@pytest.fixture
def run(make_run):
    return make_run()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub that `push` publishes to with ann's token."""
    with HubServer() as server:
        monkeypatch.setattr(push_module, "HfApi", partial(HfApi, endpoint=server.url))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits before it tries again
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
