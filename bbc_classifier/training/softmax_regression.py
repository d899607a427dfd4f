"""A softmax regression as the weights and biases of a linear layer, whichever labels the rows have."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

MOST_ITERATIONS = 1000


class Linear(NamedTuple):
    """A linear layer: `weights` (labels, width) and `biases` (labels,), float64."""

    weights: np.ndarray
    biases: np.ndarray

    def scores(self, rows: np.ndarray | csr_matrix) -> np.ndarray:
        """Return (rows, labels) float64."""
        return rows @ self.weights.T + self.biases


def fit_softmax(
    rows: np.ndarray | csr_matrix,
    targets: np.ndarray,
    labels: int,
    inverse_penalty: float,
    row_weights: np.ndarray | None = None,
) -> Linear:
    """Fit a logistic regression with an L2 penalty; a label without a row stays at 0.

    Args:
        rows: (rows, width).
        targets: (rows,) class indices; at least two classes.
        labels: Number of labels.
        inverse_penalty: The inverse strength of the penalty.
        row_weights: (rows,) how much each row counts; None counts all as 1.
    """
    fitted = LogisticRegression(C=inverse_penalty, max_iter=MOST_ITERATIONS)
    fitted.fit(rows, targets, sample_weight=row_weights)
    weights, biases = np.zeros((labels, rows.shape[1])), np.zeros(labels)
    if len(fitted.classes_) == 2:
        # Of two classes one score is fitted, the difference of theirs.
        weights[fitted.classes_] = np.outer([-0.5, 0.5], fitted.coef_[0])
        biases[fitted.classes_] = np.array([-0.5, 0.5]) * fitted.intercept_[0]
    else:
        weights[fitted.classes_], biases[fitted.classes_] = fitted.coef_, fitted.intercept_
    return Linear(weights, biases)
