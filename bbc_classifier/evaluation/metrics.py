"""What a classifier got right: figures from labels and predictions, or from labels and probabilities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

AVERAGES = ("macro", "weighted")
SCORES = ("precision", "recall", "f1")
# What validation during training returns, besides the loss: `SingleLabel.validation_metrics`.
VALIDATED = ("log_loss", "accuracy", *(f"{average}_{score}" for average in AVERAGES for score in SCORES))


def label_metrics(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> dict[str, float]:
    """Return accuracy and macro and weighted precision, recall and F1; a figure with a zero denominator is 0.

    Args:
        labels: (rows,) true class indices.
        predictions: (rows,) predicted class indices.
        num_labels: Number of classes, also of those that no row has.
    """
    metrics = {"accuracy": float(np.mean(np.asarray(labels) == np.asarray(predictions)))}
    for average in AVERAGES:
        scores = precision_recall_fscore_support(
            labels, predictions, labels=range(num_labels), average=average, zero_division=0
        )
        metrics |= {f"{average}_{name}": float(score) for name, score in zip(SCORES, scores[:3], strict=True)}
    return metrics


def class_table(labels: np.ndarray, predictions: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return precision, recall, F1 and the number of rows of each class."""
    columns = precision_recall_fscore_support(labels, predictions, labels=range(len(names)), zero_division=0)
    return {
        name: {**{score: float(values[index]) for score, values in zip(SCORES, columns, strict=False)}}
        | {"support": int(columns[3][index])}
        for index, name in enumerate(names)
    }


def confusion(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> np.ndarray:
    """Return the counts, (true, predicted) int64."""
    return confusion_matrix(labels, predictions, labels=range(num_labels))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of -log p(true class), in nats, with p clipped at the smallest normal float64."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(true, np.finfo(np.float64).tiny, 1)).mean())


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over rows of sum_k (p_k - y_k)^2, in [0, 2] (G. W. Brier, 1950, the multi-class form)."""
    targets = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - targets) ** 2).sum(axis=1).mean())


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator / denominator in the numerator's shape, with 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
