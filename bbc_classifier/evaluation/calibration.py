"""Temperature scaling, thresholds of multi-label classifiers and of adaptive reading, expected calibration error."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

BINS = 15
TEMPERATURE_RANGE = (0.05, 20.0)
DEFAULT_THRESHOLD = 0.5
# Adaptive reading: the share of labels that may differ, the least threshold, and the fewest rows to choose it on.
MAX_DIFFERENT_LABELS, MIN_CONFIDENCE, MIN_ROWS = 0.005, 0.9, 200
SUGGESTED_ACCURACY = 0.99  # of the labels at or above the suggested confidence


def fit_temperature(y_true: np.ndarray, logits: np.ndarray, multi_label: bool = False) -> float:
    """Return the T > 0 that minimizes the cross-entropy of logits / T on rows that the weights were not fitted on.

    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2; for multi-label data the binary
    cross-entropy, the mean over rows and labels of log(1 + exp(z / T)) - y z / T. If every prediction is correct the
    loss has no minimum (T tends to 0 and every confidence to 1), so T is 1. `y_true` is (n,) class indices, or (n,
    labels) bool of multi-label data; `logits` is (n, labels).
    """
    logits = np.asarray(logits, dtype=np.float64)
    if multi_label:  # by how much the wrong answer to each label is ahead of the correct one, and 0 for that one
        lead = np.where(np.asarray(y_true, dtype=bool), -logits, logits)
        lead = np.stack([np.zeros_like(lead), lead], axis=-1)
    else:  # the same of each class
        lead = logits - np.take_along_axis(logits, np.asarray(y_true)[:, None], axis=1)
    if (lead <= 0).all():
        return 1.0
    fitted = minimize_scalar(
        lambda log_temperature: logsumexp(lead / np.exp(log_temperature), axis=-1).mean(),
        bounds=np.log(TEMPERATURE_RANGE),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(fitted.x))


def fit_thresholds(y_true: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Return for each label the threshold in (0, 1) that maximizes its F1 on rows that the weights were not fitted on.

    Z. C. Lipton et al., "Optimal Thresholding of Classifiers to Maximize F1 Measure", ECML PKDD 2014. Candidates are
    midpoints of neighboring probabilities, so that rounding changes no prediction. Of the best ones, the closest to
    0.5 is taken; without a row of the label, 0.5. `y_true` is (n, labels) bool, `probabilities` (n, labels).
    """
    columns = zip(np.asarray(y_true, dtype=bool).T, np.asarray(probabilities, dtype=np.float64).T, strict=True)
    return [_fit_threshold(*column) for column in columns]


def _fit_threshold(has_label: np.ndarray, probabilities: np.ndarray) -> float:
    if not has_label.any():
        return DEFAULT_THRESHOLD
    # The first candidate is below every row: it can be best to predict a frequent label always.
    edges = np.concatenate([[0.0], np.unique(probabilities)])
    candidates = np.unique(np.concatenate([(edges[1:] + edges[:-1]) / 2, [DEFAULT_THRESHOLD]]))
    candidates = candidates[(candidates > 0) & (candidates < 1)]
    predicted = len(has_label) - np.searchsorted(np.sort(probabilities), candidates)
    correct = has_label.sum() - np.searchsorted(np.sort(probabilities[has_label]), candidates)
    f1 = 2.0 * correct / (predicted + has_label.sum())
    best = candidates[f1 == f1.max()]
    return float(best[np.abs(best - DEFAULT_THRESHOLD).argmin()])


def choose_reading_threshold(opening: np.ndarray, whole: np.ndarray) -> float | None:
    """Return the least confidence in the opening of a text with which its label is taken for that of the whole text.

    It is the least one, of `MIN_CONFIDENCE` or more, from which on at most `MAX_DIFFERENT_LABELS` of all rows get
    another label; None for fewer than `MIN_ROWS` rows. `opening` and `whole` are probabilities (rows, labels) of
    single-label rows that the weights were not fitted on.
    """
    if len(whole) < MIN_ROWS:
        return None
    confidence, differs = opening.max(axis=1), opening.argmax(axis=1) != whole.argmax(axis=1)
    # The most confident rows may differ, up to the allowed number; the next one must be below the threshold.
    excess = np.sort(confidence[differs])[::-1][int(MAX_DIFFERENT_LABELS * len(whole)) :]
    return max(MIN_CONFIDENCE, float(np.nextafter(excess[0], 2))) if len(excess) else MIN_CONFIDENCE


def suggest_min_confidence(y_true: np.ndarray, probabilities: np.ndarray) -> dict[str, float] | None:
    """Return the least `min_confidence` from which on `SUGGESTED_ACCURACY` of the labels are correct.

    With it the `share` of rows that reach it and the `accuracy` of their labels; None for fewer than `MIN_ROWS` rows or
    if no threshold is enough. `y_true` is (rows,) class indices, `probabilities` (rows, labels) of rows that the
    weights were not fitted on.
    """
    confidence, is_correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == y_true
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(is_correct[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(accuracy >= SUGGESTED_ACCURACY)
    if len(y_true) < MIN_ROWS or not len(enough):
        return None
    last = enough[-1]
    values = {"min_confidence": confidence[order[last]], "share": (last + 1) / len(order), "accuracy": accuracy[last]}
    return {name: float(value) for name, value in values.items()}


def reliability_curve(y_true: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[dict[str, float]]:
    """Return per bin of confidence its number of `rows`, their mean `confidence` and their `accuracy`.

    The bins have equal width over (0, 1] and are closed on the right; empty ones are left out. `probabilities` are
    (n, labels). `y_true` are (n,) class indices, and the confidence is that of the most probable class; or (n, labels)
    bool: each probability is then a row, and `accuracy` the share of rows that have the label.
    """
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    if y_true.ndim == 1:
        confidence, is_correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == y_true
    else:
        confidence, is_correct = probabilities.ravel(), y_true.ravel().astype(bool)
    bin_of_row = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    sums = [np.bincount(bin_of_row, weights, minlength=bins) for weights in (None, confidence, is_correct)]
    return [
        {"rows": int(rows), "confidence": float(stated / rows), "accuracy": float(correct / rows)}
        for rows, stated, correct in zip(*sums, strict=True)
        if rows
    ]


def expected_calibration_error(y_true: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the ECE: sum over bins of (rows in bin / rows) * |accuracy - mean confidence|, as `reliability_curve`.

    M. P. Naeini et al., AAAI 2015; C. Guo et al., ICML 2017, equation 3.
    """
    curve = reliability_curve(y_true, probabilities, bins)
    gaps = [entry["rows"] * abs(entry["accuracy"] - entry["confidence"]) for entry in curve]
    return float(sum(gaps) / sum(entry["rows"] for entry in curve))
