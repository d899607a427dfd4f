"""A head to start from: the best one for the encoder as it is, in place of a random one.

First a linear probe, then fine-tuning: from a random head, the first steps move the encoder towards noise (A. Kumar et
al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.model.lexical_head import LexicalHead
from bbc_classifier.training.lexical_probe import fit_idf, held_out_scores, view_shares
from bbc_classifier.training.softmax_regression import MOST_ITERATIONS, Linear, fit_softmax

# The inverse strength of the penalty on the weights of standardised vectors.
INVERSE_PENALTY = 0.1
# The same on those of TF-IDF, whose rows have length 1 and whose columns are many and mostly 0.
LEXICAL_INVERSE_PENALTY = 100.0


def fit_head(
    model: PooledEncoderForSequenceClassification,
    vectors: np.ndarray,
    input_ids: Sequence[list[int]],
    targets: np.ndarray,
    pad_token_id: int,
) -> None:
    """Set the model's linear head to a logistic regression on its pooled vectors of rows.

    A lexical head is fitted as well, and the two are weighed by how well they predict rows they were not fitted on.

    Args:
        model: A classifier whose encoder is pretrained.
        vectors: (rows, width), what its head is given of the rows.
        input_ids: Token ids per row, special tokens included, without padding.
        targets: (rows,) class indices, or (rows, labels) of 0/1.
        pad_token_id: Fills the shorter rows of a batch.
    """
    scaler = StandardScaler().fit(vectors)
    scaled = scaler.transform(vectors)
    if targets.ndim > 1:
        linear = _each_alone(scaled, targets)
    else:
        row_weights = None if model.config.class_weights is None else np.asarray(model.config.class_weights)[targets]
        linear = fit_softmax(scaled, targets, model.config.num_labels, INVERSE_PENALTY, row_weights)
        if model.lexical_head is not None:
            features = fit_idf(model.lexical_head, input_ids, pad_token_id)
            linear = _fit_lexical(model.lexical_head, features, scaled, linear, targets, row_weights)
    # The head sees the vectors as they are.
    weights = linear.weights / scaler.scale_
    biases = linear.biases - weights @ scaler.mean_
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(weights))
        model.classifier.bias.copy_(torch.from_numpy(biases))


def _fit_lexical(
    head: LexicalHead,
    features: csr_matrix,
    scaled: np.ndarray,
    linear: Linear,
    targets: np.ndarray,
    row_weights: np.ndarray | None,
) -> Linear:
    """Fit the lexical head, scale it to its share, and return the encoder's linear part scaled to its own.

    The lexical head has no biases; the encoder's part takes its as well.
    """
    labels = len(linear.biases)
    views = [(scaled, INVERSE_PENALTY), (features, LEXICAL_INVERSE_PENALTY)]
    scores = [held_out_scores(view, targets, labels, penalty, row_weights) for view, penalty in views]
    vector_share, lexical_share = view_shares(scores, targets, row_weights)
    lexical = fit_softmax(features, targets, labels, LEXICAL_INVERSE_PENALTY, row_weights)
    with torch.no_grad():
        head.scores.weight.copy_(torch.from_numpy(lexical_share * lexical.weights))
    return Linear(vector_share * linear.weights, vector_share * linear.biases + lexical_share * lexical.biases)


def _each_alone(vectors: np.ndarray, targets: np.ndarray) -> Linear:
    """Return the linear part of a sigmoid per label; one that all rows have, or none, stays at 0."""
    weights, biases = np.zeros((targets.shape[1], vectors.shape[1])), np.zeros(targets.shape[1])
    for label, there in enumerate(targets.T > 0):
        if there.any() and not there.all():
            fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=MOST_ITERATIONS).fit(vectors, there)
            weights[label], biases[label] = fitted.coef_[0], fitted.intercept_[0]
    return Linear(weights, biases)
