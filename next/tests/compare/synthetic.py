"""Run directories written by hand: the predictions are given, everything else a record needs is there."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LABELS = ["a", "b", "c"]
NUM_ROWS = 30


def write_run(
    root: Path,
    wrong: Iterable[int] = (),
    *,
    encoder: str = "bert",
    pooling: str = "cls",
    baseline: str | None = None,
    seed: int = 42,
    fold: int | None = None,
    folds: int | None = None,
    size: int | None = None,
    rows: Sequence[int] = range(NUM_ROWS),
    labels: Sequence[str] = LABELS,
    fingerprint: str | None = None,
    learning_rate: float = 1e-5,
    commit: str | None = None,
) -> Path:
    """Write a finished run on numbered rows, whose labels take turns; those in `wrong` are predicted as the next label.

    Labels are predicted with probability 0.8; `tfidf-svm` has no probabilities.
    """
    data = {"dataset": "mine", "folds": folds, "fold": fold, "max_train_samples": size}
    options: dict[str, Any] = {"data": data}
    record: dict[str, Any] = {
        "schema": 2,
        "options": options,
        "data": {
            "name": "mine",
            "num_rows": 120,
            "split_fingerprint": fingerprint or f"{fold}{size}" * 8,
            "split_sizes": {"train": size or 90, "validation": 10, "test": len(rows)},
            "label_counts": {},
            "leakage": {"validation": 0, "test": 0},
        },
        "evaluation": {"test": {"confusion_matrix": {"labels": list(labels)}, "seconds": 2.0, "n": len(rows)}},
        "seconds": {"train": 3.0, "total": 5.0},
        "provenance": {"versions": {"torch": "2"}, "commit": commit, "hardware": {"processor": "p", "cores": 2}},
    }
    if baseline:
        record["baseline"] = baseline
    else:
        record |= {"encoder": {"name": encoder}, "training": {"best_step": 4}}
        record["model"] = {"num_parameters": 1000, "weights_bytes": 4000}
        options |= {
            "model": {"encoder": encoder, "pooling": pooling, "refit_on_validation": size is None},
            "training": {"seed": seed, "learning_rate": learning_rate, "trainer_kwargs": {}},
        }
    wrong = set(wrong)
    y_true = np.array([row % len(labels) for row in rows])
    predictions = np.array([(row + (row in wrong)) % len(labels) for row in rows])
    table = pd.DataFrame({"row_id": [f"row {row:03}" for row in rows]})
    table["label"], table["prediction"] = ([labels[index] for index in values] for values in (y_true, predictions))
    if baseline != "tfidf-svm":
        for index, label in enumerate(labels):
            table[f"p_{label}"] = np.where(predictions == index, 0.8, 0.2 / (len(labels) - 1))
    name = baseline or f"{encoder}-{pooling}-seed{seed}"
    path = root / "".join(c if c.isalnum() else "_" for c in f"{name}-{fold}-{size}")
    (path / "predictions").mkdir(parents=True)
    table.sample(frac=1, random_state=0).to_parquet(path / "predictions" / "test.parquet", index=False)
    (path / "record.json").write_text(json.dumps(record), encoding="utf-8")
    return path


def write_history(path: Path) -> None:
    """Add a Trainer's log of two epochs to a run."""
    log = [
        {"loss": 1.5, "epoch": 0.5, "step": 2},
        {"eval_log_loss": 1.0, "eval_accuracy": 0.7, "eval_macro_f1": 0.7, "epoch": 1.0, "step": 4},
        {"loss": 0.8, "epoch": 1.5, "step": 6},
        {"eval_log_loss": 1.1, "eval_accuracy": 0.8, "eval_macro_f1": 0.8, "epoch": 2.0, "step": 8},
    ]
    (path / "history.json").write_text(json.dumps(log), encoding="utf-8")


def write_comparison(path: Path) -> Path:
    """Write a comparison: two encoders, two poolings, two seeds, baselines, two sizes; one failed, one unsupported."""
    for seed in (42, 43):
        for size in (None, 20):
            for number, (encoder, pooling) in enumerate([("bert", "cls"), ("bert", "mean"), ("distil", "mean")]):
                wrong = range(number, number + 2 + (8 if size else 0) + seed % 2)
                run = write_run(path / "runs", wrong, encoder=encoder, pooling=pooling, seed=seed, size=size)
                write_history(run)
    for size in (None, 20):
        write_run(path / "runs", range(5), baseline="tfidf-svm", size=size)
        write_run(path / "runs", range(1, 9), baseline="tfidf-logistic", size=size)
        write_run(path / "runs", [row for row in range(NUM_ROWS) if row % 3], baseline="majority", size=size)
    titles = {f"row {row:03}": f"Title {row} <script>alert(2)</script>" for row in range(NUM_ROWS)}
    content = {"options": {}, "not_applicable": {"distil-pooler": "distil supports cls, mean"}, "titles": titles}
    (path / "comparison.json").write_text(json.dumps(content), encoding="utf-8")
    failures = {"gpt-cls-seed42": "out of memory <img src=x onerror=alert(1)>", "bert_cls_seed42_None_None": "old"}
    (path / "failures.json").write_text(json.dumps(failures), encoding="utf-8")
    return path
