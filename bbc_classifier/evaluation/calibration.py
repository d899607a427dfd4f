"""Whether a confidence of 0.9 is right nine times in ten, and the temperature that makes it so."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

BINS = 15
TEMPERATURE_RANGE = (0.05, 20.0)


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the ECE: sum over bins of (rows in bin / rows) * |accuracy - mean confidence|.

    The bins have equal width over (0, 1], closed on the right (M. P. Naeini et al., AAAI 2015; C. Guo et al., ICML
    2017, equation 3).

    Args:
        labels: (rows,) true class indices.
        probabilities: (rows, labels).
        bins: Number of bins.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [
        (bin_of == index).mean() * abs(correct[bin_of == index].mean() - confidence[bin_of == index].mean())
        for index in np.unique(bin_of)
    ]
    return float(sum(gaps))


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

    fitted = minimize_scalar(loss, bounds=np.log(TEMPERATURE_RANGE), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(fitted.x))
