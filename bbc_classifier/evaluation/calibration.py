"""Whether a confidence of 0.9 is right nine times in ten, and the temperature that makes it so."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

BINS = 15
TEMPERATURE_RANGE = (0.05, 20.0)


@dataclass(frozen=True)
class Calibration:
    """What the validation side says of a classifier's outputs.

    Attributes:
        temperature: What the logits are divided by.
        thresholds: From which probability on each label is given, after that; None for a single-label classifier.
    """

    temperature: float
    thresholds: list[float] | None = None


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the ECE: sum over bins of (rows in bin / rows) * |accuracy - mean confidence|.

    The bins have equal width over (0, 1], closed on the right (M. P. Naeini et al., AAAI 2015; C. Guo et al., ICML
    2017, equation 3).

    Args:
        labels: (rows,) true class indices.
        probabilities: (rows, labels).
        bins: Number of bins.
    """
    return _binned_gap(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def cell_calibration_error(targets: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the ECE of yes or no: sum over bins of (cells in bin / cells) * |share that is there - mean probability|.

    Where most cells are plain noes they dominate this mean.

    Args:
        targets: (rows, labels) of 0/1.
        probabilities: (rows, labels).
        bins: Number of bins, as above.
    """
    return _binned_gap(probabilities.ravel(), np.asarray(targets, dtype=bool).ravel(), bins)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T > 0 that minimises the mean of -log softmax(z / T)[true class].

    Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

    Where no row is wrong the loss has no minimum (T goes to 0 and every confidence to 1): then nothing was learnt about
    confidence, and T is 1.

    Args:
        logits: (rows, labels), of rows that the weights were not fitted on.
        labels: (rows,) true class indices.
    """
    if (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(labels)), labels]).mean())

    return _least(loss)


def fit_cell_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the T > 0 that minimises the mean over cells of log(1 + exp(z / T)) - y z / T, the binary cross-entropy.

    The rule of `fit_temperature` for labels that do not exclude each other. Where the sign of every logit is right the
    loss has no minimum, and T is 1.

    Args:
        logits: (rows, labels), of rows that the weights were not fitted on.
        targets: (rows, labels) of 0/1.
    """
    # The loss of a cell depends only on how far its logit lies on the wrong side.
    wrongness = np.where(np.asarray(targets, dtype=bool), -logits, logits)
    if (wrongness < 0).all():
        return 1.0
    return _least(lambda log_temperature: float(np.logaddexp(0, wrongness / np.exp(log_temperature)).mean()))


def reliability_curve(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[dict[str, float]]:
    """Return, by bin of confidence, the `rows`, their mean `confidence` and `accuracy`; empty bins are left out.

    The bins are those of `expected_calibration_error`, which is the mean over rows of what the two differ by.

    Args:
        labels: (rows,) true class indices.
        probabilities: (rows, labels).
        bins: Number of bins.
    """
    stated, came_true = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bin_of = _bin_of(stated, bins)
    return [
        {
            "rows": int((bin_of == index).sum()),
            "confidence": float(stated[bin_of == index].mean()),
            "accuracy": float(came_true[bin_of == index].mean()),
        }
        for index in np.unique(bin_of)
    ]


def _least(loss: Callable[[float], float]) -> float:
    """Return the temperature whose logarithm has the least loss."""
    fitted = minimize_scalar(loss, bounds=np.log(TEMPERATURE_RANGE), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(fitted.x))


def _binned_gap(stated: np.ndarray, came_true: np.ndarray, bins: int) -> float:
    """Return the mean over all, by bin of what was stated, of |share that came true - mean stated|."""
    bin_of = _bin_of(stated, bins)
    gaps = [
        (bin_of == index).mean() * abs(came_true[bin_of == index].mean() - stated[bin_of == index].mean())
        for index in np.unique(bin_of)
    ]
    return float(sum(gaps))


def _bin_of(stated: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each, from 0, of equal width over (0, 1] and closed on the right."""
    return np.clip(np.ceil(stated * bins).astype(int) - 1, 0, bins - 1)
