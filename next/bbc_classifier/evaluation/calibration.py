"""Temperature scaling, thresholds of multi-label classifiers, and the expected calibration error."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

BINS = 15
TEMPERATURE_RANGE = (0.05, 20.0)
DEFAULT_THRESHOLD = 0.5


def fit_temperature(y_true: np.ndarray, logits: np.ndarray, multi_label: bool = False) -> float:
    """Return the T > 0 that minimizes the cross-entropy of logits / T.

    The loss is the mean of -log softmax(z / T)[true class], or for multi-label data the binary cross-entropy, the mean
    over rows and labels of log(1 + exp(z / T)) - y z / T. Source: C. Guo et al., "On Calibration of Modern Neural
    Networks", ICML 2017, section 4.2.

    If every prediction is correct the loss has no minimum (T tends to 0 and every confidence to 1), so T is 1.

    Args:
        y_true: (n,) class indices, or (n, labels) bool, of rows that the weights were not fitted on.
        logits: (n, labels).
        multi_label: Whether a row can have any number of labels.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if multi_label:
        # The loss of a label depends only on how far its logit is on the wrong side of 0.
        wrongness = np.where(np.asarray(y_true, dtype=bool), -logits, logits)
        if (wrongness < 0).all():
            return 1.0

        def loss(log_temperature: float) -> float:
            return float(np.logaddexp(0, wrongness / np.exp(log_temperature)).mean())

    else:
        if (logits.argmax(axis=1) == y_true).all():
            return 1.0

        def loss(log_temperature: float) -> float:
            scaled = logits / np.exp(log_temperature)
            return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(y_true)), y_true]).mean())

    fitted = minimize_scalar(loss, bounds=np.log(TEMPERATURE_RANGE), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(fitted.x))


def fit_thresholds(y_true: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Return for each label the threshold in (0, 1) that maximizes its F1.

    Rare labels are seldom probable, so each label has its own (Z. C. Lipton et al., "Optimal Thresholding of
    Classifiers to Maximize F1 Measure", ECML PKDD 2014). Of equally good thresholds the one closest to 0.5 is taken,
    and 0.5 if no row has the label. Candidates are midpoints of neighboring probabilities, so that rounding in another
    batch changes no prediction.

    Args:
        y_true: (n, labels) bool, of rows that the weights were not fitted on.
        probabilities: (n, labels).
    """
    has_label = np.asarray(y_true, dtype=bool)
    return [
        _fit_threshold(has_label[:, label], np.asarray(probabilities[:, label], dtype=np.float64))
        for label in range(has_label.shape[1])
    ]


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


def reliability_curve(y_true: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[dict[str, float]]:
    """Return per bin of confidence its number of `rows`, their mean `confidence` and their `accuracy`.

    The bins have equal width over (0, 1] and are closed on the right; empty ones are left out.

    Args:
        y_true: (n,) class indices; the confidence is that of the most probable class. Or (n, labels) bool; each
            probability is then a row, and `accuracy` the share of rows that have the label.
        probabilities: (n, labels).
        bins: Number of bins.
    """
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    if y_true.ndim == 1:
        confidence, is_correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == y_true
    else:
        confidence, is_correct = probabilities.ravel(), y_true.ravel().astype(bool)
    bin_of_row = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows, stated, correct = (
        np.bincount(bin_of_row, weights, minlength=bins) for weights in (None, confidence, is_correct)
    )
    return [
        {"rows": int(n), "confidence": float(total / n), "accuracy": float(hits / n)}
        for n, total, hits in zip(rows, stated, correct, strict=True)
        if n
    ]


def expected_calibration_error(y_true: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the ECE: sum over bins of (rows in bin / rows) * |accuracy - mean confidence|.

    M. P. Naeini et al., AAAI 2015; C. Guo et al., ICML 2017, equation 3. Arguments and bins are those of
    `reliability_curve`.
    """
    curve = reliability_curve(y_true, probabilities, bins)
    gaps = [entry["rows"] * abs(entry["accuracy"] - entry["confidence"]) for entry in curve]
    return float(sum(gaps) / sum(entry["rows"] for entry in curve))
