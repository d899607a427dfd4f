"""What the lexical head is fitted on, and how much each of two views of a text may say.

Stacking: the views are weighed by scores of rows that they were not fitted on, since on their own rows both are right
(D. H. Wolpert, "Stacked generalization", Neural Networks 1992).
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold

from bbc_classifier.inference.batching import pad_right
from bbc_classifier.model.lexical_head import LexicalHead
from bbc_classifier.training.softmax_regression import fit_softmax

PARTS = 5
ROWS_AT_ONCE = 64


def fit_idf(head: LexicalHead, input_ids: Sequence[list[int]], pad_token_id: int) -> csr_matrix:
    """Set the head's idf to ln((1 + n) / (1 + df)) + 1, as scikit-learn smooths it, and return the rows' features.

    Args:
        head: The lexical head of a classifier.
        input_ids: Token ids of the n rows, each whole.
        pad_token_id: Fills the shorter rows of a batch.

    Returns:
        (rows, vocabulary + buckets) float64, each row of length 1.
    """
    counts = _in_batches(head, head.counts, input_ids, pad_token_id)
    having = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1 + counts.shape[0]) / (1 + having)) + 1
    head.idf.copy_(torch.from_numpy(idf))
    return _in_batches(head, head.features, input_ids, pad_token_id)


@torch.no_grad()
def _in_batches(
    head: LexicalHead,
    method: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    input_ids: Sequence[list[int]],
    pad_token_id: int,
) -> csr_matrix:
    """Return what a method of the head gives for all rows."""
    blocks = []
    for start in range(0, len(input_ids), ROWS_AT_ONCE):
        ids, mask = pad_right(input_ids[start : start + ROWS_AT_ONCE], pad_token_id)
        values = method(ids.to(head.idf.device), mask.to(head.idf.device))
        blocks.append(csr_matrix(values.double().cpu().numpy()))
    return vstack(blocks, format="csr")


def held_out_scores(
    rows: np.ndarray | csr_matrix,
    targets: np.ndarray,
    labels: int,
    inverse_penalty: float,
    row_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return the scores of each row by a regression on the parts that it is not in, (rows, labels) float64.

    The arguments are those of `fit_softmax`.
    """
    parts = StratifiedKFold(min(PARTS, np.bincount(targets).max()), shuffle=True, random_state=0)
    scores = np.zeros((len(targets), labels))
    with warnings.catch_warnings():
        # A class with fewer rows than parts is missing in some, and its scores there are 0.
        warnings.filterwarnings("ignore", message="The least populated class")
        for fitted_on, held_out in parts.split(rows, targets):
            weights = None if row_weights is None else row_weights[fitted_on]
            linear = fit_softmax(rows[fitted_on], targets[fitted_on], labels, inverse_penalty, weights)
            scores[held_out] = linear.scores(rows[held_out])
    return scores


def view_shares(scores: Sequence[np.ndarray], targets: np.ndarray, row_weights: np.ndarray | None = None) -> np.ndarray:
    """Return the factor of each view, 0 or more, under which the sum of their scores has the least log loss.

    Args:
        scores: Per view (rows, labels) of rows that it was not fitted on.
        targets: (rows,) class indices.
        row_weights: (rows,) how much each row counts.
    """
    stacked = np.stack(scores)
    row = np.arange(len(targets))

    def log_loss(shares: np.ndarray) -> float:
        likelihoods = log_softmax(np.tensordot(shares, stacked, 1), axis=1)[row, targets]
        return -float(np.average(likelihoods, weights=row_weights))

    return minimize(log_loss, np.ones(len(stacked)), method="L-BFGS-B", bounds=[(0, None)] * len(stacked)).x
