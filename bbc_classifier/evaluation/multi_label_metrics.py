"""What a multi-label classifier got right. A cell is one label of one row: given or not, and truly there or not."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from bbc_classifier.evaluation.metrics import SCORES, ratio

AVERAGES = ("micro", "macro", "weighted")


class LabelCounts(NamedTuple):
    """Cells by what was true and what was given, each (…, labels); the dimensions before are many such counts.

    Attributes:
        tp: There and given.
        fp: Given but not there.
        fn: There but not given.
        tn: Neither there nor given.
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


def count_cells(targets: np.ndarray, given: np.ndarray) -> LabelCounts:
    """Return the counts of each label, (labels,) int64 each, from two (rows, labels) matrices of 0/1."""
    return LabelCounts(*(cells.sum(axis=0) for cells in cell_kinds(targets, given)))


def cell_kinds(targets: np.ndarray, given: np.ndarray) -> LabelCounts:
    """Return, instead of counts, which cells are of each kind, (rows, labels) bool each."""
    there, said = np.asarray(targets, dtype=bool), np.asarray(given, dtype=bool)
    return LabelCounts(there & said, ~there & said, there & ~said, ~there & ~said)


def label_scores(counts: LabelCounts) -> dict[str, np.ndarray]:
    """Return precision tp / (tp + fp), recall tp / (tp + fn) and F1 2 tp / (2 tp + fp + fn), shaped as the counts.

    A zero denominator counts as 0.
    """
    tp, fp, fn, _ = (np.asarray(count, dtype=float) for count in counts)
    scores = (ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn))
    return dict(zip(SCORES, scores, strict=True))


def averaged_label_scores(counts: LabelCounts) -> dict[str, np.ndarray]:
    """Return hamming loss and micro, macro and weighted precision, recall and F1 over the last dimension.

    Hamming loss is the share of wrong cells; micro pools the cells of all labels; macro is the plain mean of the
    labels, also of one that no row has; weighted is their mean by support (M.-L. Zhang and Z.-H. Zhou, "A Review on
    Multi-Label Learning Algorithms", TKDE 2014, section 2.2). One function for the figures and for their resamples;
    scikit-learn's, which it agrees with, takes one matrix at a time, and one of a single column for two classes.
    """
    pooled = LabelCounts(*(np.asarray(count).sum(axis=-1, keepdims=True) for count in counts))
    wrong = pooled.fp + pooled.fn
    cells = wrong + pooled.tp + pooled.tn
    support = np.asarray(counts.tp + counts.fn, dtype=float)
    share = ratio(support, support.sum(axis=-1, keepdims=True))
    by_label = label_scores(counts)
    return {
        "hamming_loss": ratio(wrong.astype(float), cells)[..., 0],
        **{f"micro_{name}": values[..., 0] for name, values in label_scores(pooled).items()},
        **{f"macro_{name}": values.mean(axis=-1) for name, values in by_label.items()},
        **{f"weighted_{name}": (values * share).sum(axis=-1) for name, values in by_label.items()},
    }


def set_metrics(targets: np.ndarray, given: np.ndarray) -> dict[str, float]:
    """Return subset accuracy (the share of rows whose labels are exactly right) and the averaged scores.

    Args:
        targets: (rows, labels) of 0/1, what is there.
        given: (rows, labels) of 0/1, what the classifier gave.
    """
    averaged = averaged_label_scores(count_cells(targets, given))
    return {"subset_accuracy": float(exact_rows(targets, given).mean())} | {
        name: float(value) for name, value in averaged.items()
    }


def exact_rows(targets: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return whether each row's labels are exactly right, (rows,) bool."""
    return (np.asarray(targets, dtype=bool) == np.asarray(given, dtype=bool)).all(axis=1)


def average_precisions(targets: np.ndarray, probabilities: np.ndarray) -> list[float | None]:
    """Return each label's average precision, sum_n (R_n - R_{n-1}) P_n over its ranked rows; None where no row has it.

    It judges the ranking, so no threshold is in it.
    """
    there = np.asarray(targets, dtype=bool)
    return [
        float(average_precision_score(there[:, label], probabilities[:, label])) if there[:, label].any() else None
        for label in range(there.shape[1])
    ]


def mean_average_precision(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of `average_precisions` over the labels that a row has; 0 where there is none."""
    known = [value for value in average_precisions(targets, probabilities) if value is not None]
    return float(np.mean(known)) if known else 0.0


def cell_log_loss(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over cells of -log p where the label is there and -log(1 - p) where not, in nats.

    p and 1 - p are clipped at the smallest normal float64, as in `metrics.log_loss`.
    """
    of_truth = np.where(np.asarray(targets, dtype=bool), probabilities, 1 - probabilities)
    return float(-np.log(np.clip(of_truth, np.finfo(np.float64).tiny, 1)).mean())


def cell_brier_score(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over cells of (p - y)^2, in [0, 1] (G. W. Brier, 1950, of a yes or no)."""
    return float(((probabilities - targets) ** 2).mean())


# What validation during training returns, besides the loss: `MultiLabel.validation_metrics`.
VALIDATED = (
    "log_loss",
    "subset_accuracy",
    "hamming_loss",
    "mean_average_precision",
    *(f"{average}_{score}" for average in AVERAGES for score in SCORES),
)
