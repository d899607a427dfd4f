"""Run directories written by hand, whose predictions are given, and a comparison really trained with tiny encoders."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bbc_classifier.compare.report import write_report
from bbc_classifier.compare.run import compare
from bbc_classifier.config import CompareArguments
from bbc_classifier.io import read_json, write_json, write_text
from tests.tiny import articles, save_tiny_encoder, write_csv

QUICK = {"max_length": 16, "max_steps": 2, "per_device_train_batch_size": 8, "learning_rate": 5e-3}
QUIET = {"disable_tqdm": True, "use_cpu": True, "precision": "fp32"}
LABELS = ["a", "b", "c"]
ROWS = range(30)
HISTORY = [
    {"loss": 1.5, "epoch": 0.5, "step": 2},
    {"eval_log_loss": 1.0, "eval_accuracy": 0.7, "eval_macro_f1": 0.7, "epoch": 1.0, "step": 4},
]


def write_run(
    root, wrong=(), *, encoder="bert", pooling="cls", baseline=None, rows=ROWS, labels=LABELS, size=None, **options
) -> Path:
    """Write a finished run on numbered rows, whose labels take turns; those in `wrong` are predicted as the next label.

    Labels are predicted with probability 0.8; `tfidf-svm` has no probabilities. `options`: fingerprint, seed, fold …
    """
    fold, seed = options.get("fold"), options.get("seed", 42)
    groups = {"data": {"folds": options.get("folds"), "fold": fold, "max_train_samples": size}}
    data = {"name": "mine", "num_rows": 120, "split_fingerprint": options.get("fingerprint", f"{fold}{size}" * 8)}
    data |= {"split_sizes": {"train": size or 90, "validation": 10, "test": len(rows)}}
    data |= {"leakage": {"validation": 0, "test": 0}}
    test = {"confusion_matrix": {"labels": list(labels)}, "n": len(rows)}
    origin = {"versions": {"torch": "2"}, "commit": None, "hardware": {"processor": "p", "cores": 2}}
    record = {"options": groups, "data": data, "evaluation": {"test": test}, "seconds": {"train": 3.0}}
    record |= {"baseline": {"name": "tfidf-logistic"}, "provenance": origin}
    if baseline != "tfidf-svm":
        part = {"accuracy": 0.5 + seed / 1000, "mean_confidence": 0.7, "expected_calibration_error": 0.2}
        test["by_length"] = {"first_30_words": part, "whole": part}
    name = baseline or f"{encoder}-{pooling}-seed{seed}"
    path = root / "".join(c if c.isalnum() else "_" for c in f"{name}-{fold}-{size}")
    (path / "predictions").mkdir(parents=True)
    if baseline:
        record["baseline"] = baseline
    else:
        record |= {"encoder": {"name": encoder, "test_rows_seen": options.get("seen", 0)}, "training": {"best_step": 4}}
        sizes = dict.fromkeys(("num_hidden_layers", "hidden_size", "pooled_size", "num_labels"), 2)
        shapes = {"max_input_tokens": 16, **sizes, "parameters": {"encoder": 994, "classifier": 6}}
        record["model"] = {"num_parameters": 1000, "weights_bytes": 4000, "shapes": shapes}
        test["seconds"] = 2.0
        groups["model"] = {"encoder": encoder, "pooling": pooling, "refit_on_validation": size is None}
        groups["training"] = {"seed": seed, "learning_rate": options.get("learning_rate", 1e-5)}
        write_json(path / "history.json", HISTORY)
    wrong = set(wrong)
    predictions = np.array([(row + (row in wrong)) % len(labels) for row in rows])
    table = pd.DataFrame({"row_id": [f"row {row:03}" for row in rows]})
    table["label"] = [labels[row % len(labels)] for row in rows]
    table["prediction"] = [labels[index] for index in predictions]
    if baseline != "tfidf-svm":
        for index, label in enumerate(labels):
            table[f"p_{label}"] = np.where(predictions == index, 0.8, 0.2 / (len(labels) - 1))
    table.sample(frac=1, random_state=0).to_parquet(path / "predictions" / "test.parquet", index=False)
    write_json(path / "record.json", record)
    return path


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A report of encoders, poolings, seeds, sizes and baselines; one run failed, one is unsupported; read-only."""
    path = tmp_path_factory.mktemp("written") / "comparison"
    for size in (None, 20):
        for seed in (42, 43):
            for number, (encoder, pooling) in enumerate([("bert", "cls"), ("bert", "mean"), ("distil", "mean")]):
                wrong = range(number, number + 2 + (8 if size else 0) + seed % 2)
                write_run(path / "runs", wrong, encoder=encoder, pooling=pooling, seed=seed, size=size)
        write_run(path / "runs", range(5), baseline="tfidf-svm", size=size)
        write_run(path / "runs", range(1, 9), baseline="tfidf-logistic", size=size)
        write_run(path / "runs", [row for row in ROWS if row % 3], baseline="majority", size=size)
    titles = {f"row {row:03}": f"Title {row} <script>alert(2)</script>" for row in ROWS}
    content = {"options": {}, "not_applicable": {"distil-pooler": "distil supports cls, mean"}, "titles": titles}
    write_json(path / "comparison.json", content)
    write_text(path / "failures" / "gpt-1.5-seed42.txt", "out of memory <img src=x onerror=alert(1)>")
    write_text(path / "failures" / "bert_cls_seed42_None_None.txt", "a later call finished it")
    write_report([path], path, command="bbc-classifier compare --encoders /home/me/bert '<script>alert(3)</script>'")
    return path


@pytest.fixture(scope="session")
def results(written):
    return read_json(written / "results.json")


@pytest.fixture(scope="session")
def tiny_encoders(tiny_bert_dir, tmp_path_factory):
    """A tiny BERT and a tiny DistilBERT, which has no pooler."""
    distilbert = save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny-distilbert", "distilbert")
    return [str(tiny_bert_dir), str(distilbert)]


@pytest.fixture(scope="session")
def train_grid(tiny_bert_dir, tmp_path_factory):
    """Return a function that trains a grid of tiny encoders, two steps each; `given` are options of `train`."""
    rows = articles("business", "sport", "tech", each=16)
    data_file = write_csv(tmp_path_factory.mktemp("data") / "news.csv", rows)

    def run(path, given=None, **grid):
        grid = {"encoders": [str(tiny_bert_dir)], "poolings": ["cls"], **grid}
        quick = {} if grid.get("mode") == "linear_probe" else QUICK
        options = {"dataset": data_file, "output_dir": str(path), **quick, **QUIET, **(given or {})}
        return compare(CompareArguments(**grid), options)

    return run


@pytest.fixture(scope="session")
def trained(train_grid, tiny_encoders, tmp_path_factory):
    """A finished comparison: two encoders, the pooling that one does not support, two folds; read-only."""
    path = tmp_path_factory.mktemp("trained") / "comparison"
    return train_grid(path, {"folds": 2}, encoders=tiny_encoders, poolings=["pooler"])
