"""Initial weights of the head: a logistic regression on the pretrained embeddings, instead of random numbers.

A linear probe before fine-tuning keeps the first steps from moving the encoder towards noise (A. Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

import numpy as np
import torch
from scipy.special import log_expit, log_softmax
from sklearn.linear_model import LogisticRegression

from bbc_classifier.model import PooledEncoderForSequenceClassification

# Inverse strengths of the L2 penalty, of which the validation rows choose one.
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
MAX_ITERATIONS = 1000
# C times the number of rows where the encoder is trained next. A head that fits the training rows well has a gradient
# near 0, from which the encoder learns little. So the penalty is strong; chosen on validation (EXPERIMENTS.md).
PENALTY_BEFORE_TRAINING = 2.0


def fit_linear_probe(
    model: PooledEncoderForSequenceClassification, embeddings: np.ndarray, labels: np.ndarray, inverse_penalty: float
) -> None:
    """Set the model's head to a logistic regression on embeddings; multi-label data get one regression per label.

    `embeddings` are (rows, hidden), the input of the linear head; `labels` (rows,) class indices or (rows, labels) of 0
    and 1; `inverse_penalty` is scikit-learn's C. The model's `class_weights` weight the rows of single-label data. A
    label without rows, or that all multi-label rows have, gets weights of 0.
    """
    # One scale for all dimensions: some encoders have switched-off ones, which a scale of their own would blow up.
    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0).mean() or 1.0
    rows, num_labels = (embeddings - mean) / scale, model.config.num_labels
    weights, biases = np.zeros((num_labels, rows.shape[1])), np.zeros(num_labels)
    regression = LogisticRegression(C=inverse_penalty, max_iter=MAX_ITERATIONS)
    if labels.ndim == 2:
        for label, has_label in enumerate(labels.T > 0):
            if 0 < has_label.sum() < len(has_label):
                regression.fit(rows, has_label)
                weights[label], biases[label] = regression.coef_[0], regression.intercept_[0]
    else:
        class_weights = model.config.class_weights
        regression.fit(rows, labels, None if class_weights is None else np.asarray(class_weights)[labels])
        # For two classes scikit-learn fits the difference of their scores.
        signs = np.array([-0.5, 0.5]) if len(regression.classes_) == 2 else np.ones(len(regression.classes_))
        weights[regression.classes_] = signs[:, None] * regression.coef_
        biases[regression.classes_] = signs * regression.intercept_
    weights /= scale
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(weights))
        model.classifier.bias.copy_(torch.from_numpy(biases - weights @ mean))


def head_logits(model: PooledEncoderForSequenceClassification, embeddings: np.ndarray) -> np.ndarray:
    """Return the head's logits, (rows, labels) float64, of embeddings (rows, hidden)."""
    weight, bias = (parameter.detach().cpu().double().numpy() for parameter in model.classifier.parameters())
    return embeddings @ weight.T + bias


def choose_penalty(
    model: PooledEncoderForSequenceClassification,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
) -> float:
    """Return the C of `PENALTIES` whose head, fitted on `train`, has the least log loss on `validation`.

    Both are embeddings (rows, hidden) and labels as `fit_linear_probe` takes them. The head is left fitted with it.
    """
    losses, labels = {}, validation[1]
    for penalty in PENALTIES:
        fit_linear_probe(model, *train, penalty)
        logits = head_logits(model, validation[0])
        if labels.ndim == 2:
            losses[penalty] = -np.where(labels, log_expit(logits), log_expit(-logits)).mean()
        else:
            losses[penalty] = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
    best = min(losses, key=losses.__getitem__)
    fit_linear_probe(model, *train, best)
    return best
