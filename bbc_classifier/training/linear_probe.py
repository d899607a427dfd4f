"""Initial weights of the head: a logistic regression on the pretrained embeddings, instead of random numbers.

A linear probe before fine-tuning keeps the first steps from moving the encoder towards noise (A. Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

import warnings
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from torch.nn.utils.rnn import pad_sequence

from bbc_classifier.model import LexicalHead, PooledEncoderForSequenceClassification

# Inverse strength of the L2 penalty: on standardized embeddings, and on TF-IDF rows of length 1.
EMBEDDING_C = 0.1
LEXICAL_C = 100.0
MAX_ITERATIONS = 1000
# A dimension that varies less than this share of the median is switched off in the encoder. Standardizing it would give
# weights of up to 1e31: NaN in fp16, and a gradient whose clipping leaves every other weight where it is.
DEAD_DIMENSION = 1e-3
FOLDS = 5
MIN_PROBABILITY = 1e-6
ROWS_PER_BATCH = 64

Rows: TypeAlias = np.ndarray | csr_matrix


@torch.no_grad()
def fit_linear_probe(
    model: PooledEncoderForSequenceClassification,
    embeddings: np.ndarray,
    labels: np.ndarray,
    input_ids: Sequence[list[int]] = (),
) -> None:
    """Set the model's head to a logistic regression on embeddings; multi-label data get one regression per label.

    `embeddings` are (rows, hidden), the input of the linear head; `labels` (rows,) class indices or (rows, labels) of 0
    and 1. A lexical head, which reads `input_ids`, is fitted too, and both are weighted by `mixture_weights`. The
    model's `class_weights` weight the rows of single-label data.
    """
    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0)
    scale[scale <= DEAD_DIMENSION * np.median(scale)] = np.inf  # the dimension becomes 0, and so does its weight
    parts: list[tuple[Rows, float]] = [((embeddings - mean) / scale, EMBEDDING_C)]
    if model.lexical_head is not None:
        parts.append((fit_idf(model.lexical_head, input_ids), LEXICAL_C))
    class_weights = model.config.class_weights if labels.ndim == 1 else None
    row_weights = None if class_weights is None else np.asarray(class_weights)[labels]
    heads = [fit_regression(rows, labels, model.config.num_labels, penalty, row_weights) for rows, penalty in parts]
    mixture = np.ones(1)
    if model.lexical_head is not None:
        mixture = mixture_weights(parts, labels, row_weights)
        model.lexical_head.scores.weight.copy_(torch.from_numpy(mixture[1] * heads[1][0]))
    weights = mixture[0] * heads[0][0] / scale
    biases = sum(share * head[1] for share, head in zip(mixture, heads, strict=True))  # the lexical head has none
    model.classifier.weight.copy_(torch.from_numpy(weights))
    model.classifier.bias.copy_(torch.from_numpy(biases - weights @ mean))


def fit_regression(
    rows: Rows, labels: np.ndarray, num_labels: int, inverse_penalty: float, row_weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a logistic regression with an L2 penalty (scikit-learn's C): multinomial, or one per label of (rows, labels).

    Returns weights (labels, features) and biases (labels,): 0 for a label without rows, or that all multi-label rows
    have. `rows` are (rows, features), `row_weights` (rows,).
    """
    weights, biases = np.zeros((num_labels, rows.shape[1])), np.zeros(num_labels)
    regression = LogisticRegression(C=inverse_penalty, max_iter=MAX_ITERATIONS)
    if labels.ndim == 2:
        for label, has_label in enumerate(labels.T > 0):
            if 0 < has_label.sum() < len(has_label):
                regression.fit(rows, has_label)
                weights[label], biases[label] = regression.coef_[0], regression.intercept_[0]
        return weights, biases
    regression.fit(rows, labels, sample_weight=row_weights)
    # For two classes scikit-learn fits the difference of their scores.
    signs = np.array([-0.5, 0.5]) if len(regression.classes_) == 2 else np.ones(len(regression.classes_))
    weights[regression.classes_] = signs[:, None] * regression.coef_
    biases[regression.classes_] = signs * regression.intercept_
    return weights, biases


@torch.no_grad()
def fit_idf(head: LexicalHead, input_ids: Sequence[list[int]]) -> csr_matrix:
    """Set the head's idf from rows of whole token ids; return their features, (rows, vocabulary + buckets) float64."""
    blocks = []
    for start in range(0, len(input_ids), ROWS_PER_BATCH):
        rows = [torch.tensor(ids, device=head.idf.device) for ids in input_ids[start : start + ROWS_PER_BATCH]]
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        ids = pad_sequence(rows, batch_first=True)
        blocks.append(csr_matrix(head.counts(ids, mask).double().cpu().numpy()))
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(vstack(blocks, format="csr"))
    head.idf.copy_(torch.from_numpy(tfidf.idf_))
    return features


def mixture_weights(
    parts: Sequence[tuple[Rows, float]], labels: np.ndarray, row_weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights, 0 or more, under which the sum of several regressions' scores has least log loss.

    The scores are log-probabilities of rows that a regression was not fitted on: on their own rows all are right (D. H.
    Wolpert, "Stacked Generalization", 1992). `parts` are the rows (rows, features) and scikit-learn's C of each.
    """
    folds = StratifiedKFold(min(FOLDS, np.bincount(labels).max()), shuffle=True, random_state=0)
    options = {"cv": folds, "method": "predict_proba", "params": {"sample_weight": row_weights}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer rows than folds is missing from some: probability 0
        probabilities = [
            cross_val_predict(LogisticRegression(C=penalty, max_iter=MAX_ITERATIONS), rows, labels, **options)
            for rows, penalty in parts
        ]
    scores, columns = np.log(np.maximum(probabilities, MIN_PROBABILITY)), np.unique(labels, return_inverse=True)[1]

    def log_loss(weights: np.ndarray) -> float:
        likelihoods = log_softmax(np.tensordot(weights, scores, 1), axis=1)[np.arange(len(columns)), columns]
        return -float(np.average(likelihoods, weights=row_weights))

    return minimize(log_loss, np.ones(len(scores)), method="L-BFGS-B", bounds=[(0, None)] * len(scores)).x
