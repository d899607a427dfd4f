"""Everything the record says of one side's predictions where a row can have any number of labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bbc_classifier.evaluation.calibration import BINS, cell_calibration_error
from bbc_classifier.evaluation.intervals import LEVEL, RESAMPLES, wilson_interval
from bbc_classifier.evaluation.multi_label_intervals import bootstrap_label_intervals
from bbc_classifier.evaluation.multi_label_metrics import (
    LabelCounts,
    average_precisions,
    cell_brier_score,
    cell_log_loss,
    count_cells,
    exact_rows,
    label_scores,
    mean_average_precision,
    set_metrics,
)


def multi_label_report(
    targets: np.ndarray,
    given: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
    thresholds: Sequence[float] | None,
) -> dict[str, Any]:
    """Return figures with intervals, the per-class table and the counts of each label, as plain data.

    Args:
        targets: (rows, labels) of 0/1, what is there.
        given: (rows, labels) of 0/1, what the classifier gave.
        probabilities: (rows, labels), each in [0, 1].
        names: The label names, in the order of the columns.
        thresholds: From which probability on each label was given; None where that differs among the rows.

    Raises:
        ValueError: There is no row, or a probability is no number.
    """
    if len(targets) == 0 or not np.isfinite(probabilities).all():
        raise ValueError("an evaluation needs at least one row, and probabilities that are numbers")
    counts = count_cells(targets, given)
    correct = int(exact_rows(targets, given).sum())
    return {
        "n": len(targets),
        "correct": correct,
        "metrics": {
            **set_metrics(targets, given),
            "mean_average_precision": mean_average_precision(targets, probabilities),
            "log_loss": cell_log_loss(targets, probabilities),
            "brier_score": cell_brier_score(targets, probabilities),
            "expected_calibration_error": cell_calibration_error(targets, probabilities),
        },
        "intervals": {
            "subset_accuracy": wilson_interval(correct, len(targets)),
            **bootstrap_label_intervals(targets, given),
        },
        "interval_method": {
            "level": LEVEL,
            "subset_accuracy": "Wilson score",
            "others": f"percentile bootstrap over rows, {RESAMPLES} resamples, seed 0",
            "calibration_bins": BINS,
        },
        "per_class": label_table(counts, average_precisions(targets, probabilities), names, thresholds),
        "label_counts": {
            name: {kind: int(values[index]) for kind, values in counts._asdict().items()}
            for index, name in enumerate(names)
        },
    }


def label_table(
    counts: LabelCounts,
    average_precision: Sequence[float | None],
    names: Sequence[str],
    thresholds: Sequence[float] | None,
) -> dict[str, dict[str, Any]]:
    """Return precision, recall, F1, average precision, threshold and the number of rows of each label.

    Average precision is None where no row has the label, the threshold where it differs among the rows.
    """
    scores = label_scores(counts)
    return {
        name: {score: float(values[index]) for score, values in scores.items()}
        | {
            "average_precision": average_precision[index],
            "threshold": None if thresholds is None else float(thresholds[index]),
            "support": int(counts.tp[index] + counts.fn[index]),
        }
        for index, name in enumerate(names)
    }
