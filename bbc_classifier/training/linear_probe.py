"""A head to start from: the best one for the encoder as it is, in place of a random one.

First a linear probe, then fine-tuning: from a random head, the first steps move the encoder towards noise (A. Kumar et
al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bbc_classifier.inference.batching import pooled_vectors
from bbc_classifier.model import PooledEncoderForSequenceClassification

# The inverse strength of the penalty on the weights of standardised vectors.
INVERSE_PENALTY = 0.1
MOST_ITERATIONS = 1000


def fit_head(
    model: PooledEncoderForSequenceClassification,
    input_ids: Sequence[list[int]],
    targets: np.ndarray,
    pad_token_id: int,
) -> None:
    """Set the model's linear head to a logistic regression on its pooled vectors of the training rows.

    Args:
        model: A classifier whose encoder is pretrained.
        input_ids: Token ids per row, special tokens included, without padding.
        targets: (rows,) class indices, or (rows, labels) of 0/1.
        pad_token_id: Fills the shorter rows of a batch.
    """
    vectors = pooled_vectors(model, input_ids, pad_token_id)
    scaler = StandardScaler().fit(vectors)
    scaled = scaler.transform(vectors)
    if targets.ndim == 1:
        weights, biases = _choose_one(scaled, targets, model.config.num_labels, model.config.class_weights)
    else:
        weights, biases = _each_alone(scaled, targets)
    # The head sees the vectors as they are.
    weights = weights / scaler.scale_
    biases = biases - weights @ scaler.mean_
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(weights))
        model.classifier.bias.copy_(torch.from_numpy(biases))


def _choose_one(
    vectors: np.ndarray, targets: np.ndarray, labels: int, class_weights: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (labels, width) and (labels,) of a softmax; a label without a row stays at 0."""
    row_weights = None if class_weights is None else np.asarray(class_weights)[targets]
    fitted = _regression().fit(vectors, targets, sample_weight=row_weights)
    weights, biases = np.zeros((labels, vectors.shape[1])), np.zeros(labels)
    if len(fitted.classes_) == 2:
        # Of two classes one score is fitted, the difference of theirs.
        weights[fitted.classes_] = np.outer([-0.5, 0.5], fitted.coef_[0])
        biases[fitted.classes_] = np.array([-0.5, 0.5]) * fitted.intercept_[0]
    else:
        weights[fitted.classes_], biases[fitted.classes_] = fitted.coef_, fitted.intercept_
    return weights, biases


def _each_alone(vectors: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (labels, width) and (labels,) of a sigmoid per label; one that all rows have, or none, stays at 0."""
    weights, biases = np.zeros((targets.shape[1], vectors.shape[1])), np.zeros(targets.shape[1])
    for label, there in enumerate(targets.T > 0):
        if there.any() and not there.all():
            fitted = _regression().fit(vectors, there)
            weights[label], biases[label] = fitted.coef_[0], fitted.intercept_[0]
    return weights, biases


def _regression() -> LogisticRegression:
    return LogisticRegression(C=INVERSE_PENALTY, max_iter=MOST_ITERATIONS)
