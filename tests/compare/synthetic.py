"""Run directories written by hand: the predictions are given, everything else a record needs is there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
    fingerprint = options.get("fingerprint", f"{fold}{size}" * 8)
    groups: dict[str, Any] = {"data": {"folds": options.get("folds"), "fold": fold, "max_train_samples": size}}
    record: dict[str, Any] = {
        "options": groups,
        "data": {
            "name": "mine",
            "num_rows": 120,
            "split_fingerprint": fingerprint,
            "split_sizes": {"train": size or 90, "validation": 10, "test": len(rows)},
            "leakage": {"validation": 0, "test": 0},
        },
        "evaluation": {"test": {"confusion_matrix": {"labels": list(labels)}, "n": len(rows)}},
        "baseline": {"name": "tfidf-logistic"},
        "seconds": {"train": 3.0},
        "provenance": {"versions": {"torch": "2"}, "commit": None, "hardware": {"processor": "p", "cores": 2}},
    }
    if baseline != "tfidf-svm":
        part = {"accuracy": 0.5 + seed / 1000, "mean_confidence": 0.7, "expected_calibration_error": 0.2}
        record["evaluation"]["test"]["by_length"] = {"first_30_words": part, "whole": part}
    name = baseline or f"{encoder}-{pooling}-seed{seed}"
    path = root / "".join(c if c.isalnum() else "_" for c in f"{name}-{fold}-{size}")
    (path / "predictions").mkdir(parents=True)
    if baseline:
        record["baseline"] = baseline
    else:
        record |= {"encoder": {"name": encoder}, "training": {"best_step": 4}}
        record["model"] = {"num_parameters": 1000, "weights_bytes": 4000}
        record["evaluation"]["test"]["seconds"] = 2.0
        groups["model"] = {"encoder": encoder, "pooling": pooling, "refit_on_validation": size is None}
        groups["training"] = {"seed": seed, "learning_rate": options.get("learning_rate", 1e-5)}
        (path / "history.json").write_text(json.dumps(HISTORY), encoding="utf-8")
    wrong = set(wrong)
    predictions = np.array([(row + (row in wrong)) % len(labels) for row in rows])
    table = pd.DataFrame({"row_id": [f"row {row:03}" for row in rows]})
    table["label"] = [labels[row % len(labels)] for row in rows]
    table["prediction"] = [labels[index] for index in predictions]
    if baseline != "tfidf-svm":
        for index, label in enumerate(labels):
            table[f"p_{label}"] = np.where(predictions == index, 0.8, 0.2 / (len(labels) - 1))
    table.sample(frac=1, random_state=0).to_parquet(path / "predictions" / "test.parquet", index=False)
    (path / "record.json").write_text(json.dumps(record), encoding="utf-8")
    return path


def write_comparison(path: Path) -> Path:
    """Write a comparison: two encoders, two poolings, two seeds, baselines, two sizes; one failed, one unsupported."""
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
    (path / "comparison.json").write_text(json.dumps(content), encoding="utf-8")
    (path / "failures").mkdir()
    (path / "failures" / "gpt-1.5-seed42.txt").write_text("out of memory <img src=x onerror=alert(1)>")
    (path / "failures" / "bert_cls_seed42_None_None.txt").write_text("a later call finished it")
    return path
