"""From a classifier's outputs to probabilities, and from those to the labels it gives: one label, or any number."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return exp(z) / sum exp(z) per row, computed without overflow."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)) per cell, computed without overflow."""
    return expit(logits)


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """Return which cell of each row is the largest, (rows, labels) bool; of equal ones the first."""
    return np.arange(probabilities.shape[1]) == probabilities.argmax(axis=1)[:, None]


def above_thresholds(probabilities: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Return which cells reach their label's threshold, (rows, labels) bool; a row may have none or many."""
    return probabilities >= np.asarray(thresholds)
