"""Everything the record says of one side's predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bbc_classifier.evaluation.calibration import BINS, expected_calibration_error
from bbc_classifier.evaluation.intervals import LEVEL, RESAMPLES, bootstrap_intervals, wilson_interval
from bbc_classifier.evaluation.metrics import brier_score, class_table, confusion, label_metrics, log_loss


def evaluation_report(labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return figures with intervals, the per-class table and the confusion matrix, as plain data.

    Args:
        labels: (rows,) true class indices.
        probabilities: (rows, labels), each row adding up to 1.
        names: The label names, in the order of the columns.

    Raises:
        ValueError: There is no row, or a probability is no number.
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        raise ValueError("an evaluation needs at least one row, and probabilities that are numbers")
    predictions = probabilities.argmax(axis=1)
    counts = confusion(labels, predictions, len(names))
    correct = int(np.trace(counts))
    return {
        "n": len(labels),
        "correct": correct,
        "metrics": {
            **label_metrics(labels, predictions, len(names)),
            "log_loss": log_loss(labels, probabilities),
            "brier_score": brier_score(labels, probabilities),
            "expected_calibration_error": expected_calibration_error(labels, probabilities),
        },
        "intervals": {"accuracy": wilson_interval(correct, len(labels)), **bootstrap_intervals(counts)},
        "interval_method": {
            "level": LEVEL,
            "accuracy": "Wilson score",
            "others": f"percentile bootstrap over rows, {RESAMPLES} resamples, seed 0",
            "calibration_bins": BINS,
        },
        "per_class": class_table(labels, predictions, names),
        "confusion_matrix": {"labels": list(names), "counts": counts.tolist()},
    }
