"""Initial weights of the head: a logistic regression on the pretrained embeddings, instead of random numbers.

A linear probe before fine-tuning keeps the first steps from moving the encoder towards noise (A. Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bbc_classifier.model import LexicalHead, PooledEncoderForSequenceClassification

# Inverse strength of the L2 penalty: on standardized embeddings, and on TF-IDF rows of length 1.
EMBEDDING_C = 0.1
LEXICAL_C = 100.0
MAX_ITERATIONS = 1000
# A dimension that varies less than this share of the median is switched off in the encoder. Standardizing it would give
# weights of up to 1e31: NaN in fp16, and a gradient whose clipping leaves every other weight where it is.
DEAD_DIMENSION = 1e-3
FOLDS = 5
ROWS_PER_BATCH = 64


class Linear(NamedTuple):
    """A linear layer: `weights` (labels, features) and `biases` (labels,), float64."""

    weights: np.ndarray
    biases: np.ndarray

    def scores(self, rows: np.ndarray | csr_matrix) -> np.ndarray:
        """Return the scores of rows (rows, features), (rows, labels) float64."""
        return rows @ self.weights.T + self.biases


def fit_linear_probe(
    model: PooledEncoderForSequenceClassification,
    embeddings: np.ndarray,
    labels: np.ndarray,
    input_ids: Sequence[list[int]] = (),
    pad_token_id: int = 0,
) -> None:
    """Set the model's head to a logistic regression on embeddings; multi-label data get one regression per label.

    A lexical head is fitted too, and the two are weighted by how well they predict rows they were not fitted on.

    Args:
        model: A classifier with a pretrained encoder. Its `class_weights` weight the rows of single-label data.
        embeddings: (rows, hidden), the input of the linear head.
        labels: (rows,) class indices, or (rows, labels) of 0 and 1.
        input_ids: Whole token ids per row; only a lexical head needs them.
        pad_token_id: Fills the shorter rows of a batch of `input_ids`.
    """
    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0)
    is_dead = scale <= DEAD_DIMENSION * np.median(scale)
    scale[is_dead] = np.inf  # the dimension becomes 0, and so does its weight
    standardized = (embeddings - mean) / scale
    if labels.ndim == 2:
        linear = _fit_each_label(standardized, labels)
    else:
        row_weights = None if model.config.class_weights is None else np.asarray(model.config.class_weights)[labels]
        linear = fit_softmax(standardized, labels, model.config.num_labels, EMBEDDING_C, row_weights)
        if model.lexical_head is not None:
            features = fit_idf(model.lexical_head, input_ids, pad_token_id)
            linear = _fit_lexical_head(model.lexical_head, features, standardized, linear, labels, row_weights)
    weights = linear.weights / scale
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(weights))
        model.classifier.bias.copy_(torch.from_numpy(linear.biases - weights @ mean))


def fit_softmax(
    rows: np.ndarray | csr_matrix,
    labels: np.ndarray,
    num_labels: int,
    inverse_penalty: float,
    row_weights: np.ndarray | None = None,
) -> Linear:
    """Fit a multinomial logistic regression with an L2 penalty; labels without rows get weights and bias 0.

    Args:
        rows: (rows, features).
        labels: (rows,) class indices of at least two classes.
        num_labels: Number of labels.
        inverse_penalty: scikit-learn's C.
        row_weights: (rows,) weight of each row; None means 1.
    """
    fitted = LogisticRegression(C=inverse_penalty, max_iter=MAX_ITERATIONS)
    fitted.fit(rows, labels, sample_weight=row_weights)
    weights, biases = np.zeros((num_labels, rows.shape[1])), np.zeros(num_labels)
    if len(fitted.classes_) == 2:  # scikit-learn fits the difference of the two scores
        weights[fitted.classes_] = np.outer([-0.5, 0.5], fitted.coef_[0])
        biases[fitted.classes_] = np.array([-0.5, 0.5]) * fitted.intercept_[0]
    else:
        weights[fitted.classes_], biases[fitted.classes_] = fitted.coef_, fitted.intercept_
    return Linear(weights, biases)


def _fit_each_label(rows: np.ndarray, labels: np.ndarray) -> Linear:
    """Fit a logistic regression per label; a label that all rows have, or none, gets weights and bias 0."""
    weights, biases = np.zeros((labels.shape[1], rows.shape[1])), np.zeros(labels.shape[1])
    for label, has_label in enumerate(labels.T > 0):
        if 0 < has_label.sum() < len(has_label):
            fitted = LogisticRegression(C=EMBEDDING_C, max_iter=MAX_ITERATIONS).fit(rows, has_label)
            weights[label], biases[label] = fitted.coef_[0], fitted.intercept_[0]
    return Linear(weights, biases)


def _fit_lexical_head(
    head: LexicalHead,
    features: csr_matrix,
    standardized: np.ndarray,
    linear: Linear,
    labels: np.ndarray,
    row_weights: np.ndarray | None,
) -> Linear:
    """Fit the lexical head, scale it by its weight in the mixture, and return `linear` scaled by its own.

    The lexical head has no biases; `linear` takes its as well. The weights come from scores of rows that neither part
    was fitted on, since on their own rows both are right (D. H. Wolpert, "Stacked Generalization", 1992).
    """
    num_labels = len(linear.biases)
    parts = ((standardized, EMBEDDING_C), (features, LEXICAL_C))
    scores = [held_out_scores(rows, labels, num_labels, penalty, row_weights) for rows, penalty in parts]
    embedding_weight, lexical_weight = mixture_weights(scores, labels, row_weights)
    lexical = fit_softmax(features, labels, num_labels, LEXICAL_C, row_weights)
    with torch.no_grad():
        head.scores.weight.copy_(torch.from_numpy(lexical_weight * lexical.weights))
    biases = embedding_weight * linear.biases + lexical_weight * lexical.biases
    return Linear(embedding_weight * linear.weights, biases)


@torch.no_grad()
def fit_idf(head: LexicalHead, input_ids: Sequence[list[int]], pad_token_id: int = 0) -> csr_matrix:
    """Set the head's idf to ln((1 + n) / (1 + df)) + 1, as scikit-learn smooths it, from n rows of whole token ids.

    Returns:
        The TF-IDF features of the rows, (rows, vocabulary + buckets) float64, each row of length 1.
    """

    def in_batches(method: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> csr_matrix:
        blocks = []
        for start in range(0, len(input_ids), ROWS_PER_BATCH):
            rows = [torch.tensor(ids, device=head.idf.device) for ids in input_ids[start : start + ROWS_PER_BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad_token_id)
            mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
            blocks.append(csr_matrix(method(ids, mask).double().cpu().numpy()))
        return vstack(blocks, format="csr")

    counts = in_batches(head.counts)
    document_frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    head.idf.copy_(torch.from_numpy(np.log((1 + counts.shape[0]) / (1 + document_frequency)) + 1))
    return in_batches(head.features)


def held_out_scores(
    rows: np.ndarray | csr_matrix,
    labels: np.ndarray,
    num_labels: int,
    inverse_penalty: float,
    row_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return each row's scores by a regression on the folds it is not in, (rows, labels); arguments as `fit_softmax`.

    A class with fewer rows than folds is missing from some folds, and its scores there are 0.
    """
    folds = StratifiedKFold(min(FOLDS, np.bincount(labels).max()), shuffle=True, random_state=0)
    scores = np.zeros((len(labels), num_labels))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for fit_rows, held_out in folds.split(rows, labels):
            weights = None if row_weights is None else row_weights[fit_rows]
            linear = fit_softmax(rows[fit_rows], labels[fit_rows], num_labels, inverse_penalty, weights)
            scores[held_out] = linear.scores(rows[held_out])
    return scores


def mixture_weights(
    scores: Sequence[np.ndarray], labels: np.ndarray, row_weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights, 0 or more, under which the sum of several scores, each (rows, labels), has least log loss."""
    stacked = np.stack(scores)
    rows = np.arange(len(labels))

    def log_loss(weights: np.ndarray) -> float:
        likelihoods = log_softmax(np.tensordot(weights, stacked, 1), axis=1)[rows, labels]
        return -float(np.average(likelihoods, weights=row_weights))

    return minimize(log_loss, np.ones(len(stacked)), method="L-BFGS-B", bounds=[(0, None)] * len(stacked)).x
