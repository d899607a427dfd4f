"""Finished cells made by hand: the answers are given, and everything else a record needs is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.comparison.finished import Finished

LABELS = ["a", "b", "c"]


def cell(
    answers: Mapping[str, tuple[str, str]],
    *,
    encoder: str | None = "bert",
    pooling: str = "cls",
    baseline: str | None = None,
    seed: int = 42,
    fold: int | None = None,
    folds: int | None = None,
    size: int | None = None,
    fingerprint: str = "f" * 64,
    labels: Sequence[str] = LABELS,
    learning_rate: float = 1e-5,
) -> Finished:
    """Return a cell that gave these answers.

    Args:
        answers: Per row id the true label and the one given.
        encoder: The encoder's name.
        pooling: The pooling.
        baseline: The baseline's name instead.
        seed: The seed.
        fold: The fold.
        folds: Of how many.
        size: The number of training rows it is limited to.
        fingerprint: Of the split.
        labels: The label names.
        learning_rate: An option that all cells of a configuration should share.
    """
    data = {"fold": fold, "folds": folds, "max_train_samples": size, "dataset": "mine"}
    options: dict[str, Any] = {"data": data}
    record: dict[str, Any] = {
        "options": options,
        "data": {"name": "mine", "split_fingerprint": fingerprint, "sides": {"train": {"a": size or 90}}, "rows": 120},
        "evaluation": {"test": {"confusion_matrix": {"labels": list(labels)}, "seconds": 2.0, "n": len(answers)}},
        "seconds": {"train": 3.0},
        "provenance": {"versions": {}, "commit": None, "hardware": {"processor": "p", "cores": 2}},
    }
    if baseline:
        record["baseline"] = baseline
    else:
        record["encoder"] = {"name": encoder}
        record["model"] = {"parameters": 1000, "weights_bytes": 4000}
        options |= {
            "model": {"encoder": encoder, "pooling": pooling},
            "training": {"seed": seed, "learning_rate": learning_rate},
        }
    index_of = {label: index for index, label in enumerate(labels)}
    probabilities = np.full((len(answers), len(labels)), 0.1)
    for row, (_, given) in enumerate(answers.values()):
        probabilities[row, index_of[given]] = 0.8
    return Finished(
        folder=Path(f"{baseline or encoder}-{pooling}-{seed}-{fold}"),
        record=record,
        row_ids=list(answers),
        truth=[true for true, _ in answers.values()],
        given=[given for _, given in answers.values()],
        probabilities=None if baseline == "tfidf-svm" else probabilities / probabilities.sum(axis=1, keepdims=True),
    )


def answers(wrong: Sequence[int] = (), rows: Sequence[int] = range(30)) -> dict[str, tuple[str, str]]:
    """Return answers to numbered rows, whose labels take turns; the wrong ones get the next label."""
    return {f"row {number:03}": (LABELS[number % 3], LABELS[(number + (number in wrong)) % 3]) for number in rows}
