"""The fitted head is scikit-learn's logistic regression, its penalty is chosen on validation."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from bbc_classifier.inference.classifier import encode, predict_logits, sigmoid, softmax
from bbc_classifier.training.linear_probe import PENALTIES, choose_penalty, fit_linear_probe, head_logits
from tests.tiny import tiny_classifier

ROWS = [[2, 5 + row % 40, 7 + row % 11, *range(9, 9 + row % 6), 9, 3] for row in range(60)]
C = 0.1


def classifier(labels, **options):
    return tiny_classifier(id2label={index: f"label {index}." for index in range(labels)}, **options)


def regression(embeddings: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Return scikit-learn's own probabilities for the rows it was fitted on."""
    scaled = (embeddings - embeddings.mean(axis=0)) / embeddings.std(axis=0).mean()
    return LogisticRegression(C=C, max_iter=1000).fit(scaled, labels, sample_weight).predict_proba(scaled)


@pytest.mark.parametrize(("num_labels", "class_weights"), [(2, None), (4, None), (2, [1.0, 9.0, 1.0])])
def test_heads_are_the_regressions_of_scikit_learn(num_labels, class_weights):
    model = classifier(num_labels + 1, class_weights=class_weights)  # one label has no rows
    labels = np.array([tokens[1] % num_labels for tokens in ROWS])
    embeddings = encode(model, ROWS, 0)
    fit_linear_probe(model, embeddings, labels, C)
    expected = regression(embeddings, labels, np.array(class_weights)[labels] if class_weights else None)
    np.testing.assert_allclose(softmax(predict_logits(model, ROWS, 0)[:, :-1]), expected, atol=1e-5)
    assert not model.classifier.weight[-1].any() and not model.classifier.bias[-1]

    model = classifier(3, problem_type="multi_label_classification")  # a regression per label
    labels = np.array([[tokens[1] % 2, tokens[2] % 3 == 0, 1] for tokens in ROWS], dtype=bool)
    fit_linear_probe(model, embeddings, labels, C)
    expected = np.stack([regression(embeddings, labels[:, label])[:, 1] for label in (0, 1)], axis=1)
    np.testing.assert_allclose(sigmoid(predict_logits(model, ROWS, 0))[:, :2], expected, atol=1e-5)
    assert not model.classifier.weight[2].any()


@pytest.mark.parametrize("scale", [0.0, 6e-33, 1.5e-9, 1e-4])
def test_dead_dimensions_get_small_weights(scale):
    model, embeddings = classifier(3), np.random.default_rng(0).normal(size=(60, 24))
    embeddings[:, [3, 11]] = 0.2 + scale * embeddings[:, [3, 11]]
    fit_linear_probe(model, embeddings, np.array([tokens[1] % 3 for tokens in ROWS]), C)
    weight = model.classifier.weight.detach().abs()
    assert weight.max() < 10 and weight[:, [3, 11]].max() < 1e-2


@pytest.mark.parametrize("multi_label", [False, True])
def test_validation_rows_choose_the_penalty(multi_label):
    model = classifier(3, problem_type=f"{'multi' if multi_label else 'single'}_label_classification")
    generator = np.random.default_rng(0)

    def rows(signal: float) -> tuple[np.ndarray, np.ndarray]:
        labels = generator.integers(0, 3, 90)
        embeddings = generator.normal(size=(90, 24))
        embeddings[np.arange(90), labels] += signal
        return embeddings, np.eye(3, dtype=bool)[labels] if multi_label else labels

    assert choose_penalty(model, rows(0.0), rows(0.0)) == PENALTIES[0]  # nothing to learn: the strongest penalty
    train, validation = rows(6.0), rows(6.0)
    chosen = choose_penalty(model, train, validation)
    assert chosen > PENALTIES[2]
    weight = model.classifier.weight.detach().clone()
    fit_linear_probe(model, *train, chosen)
    assert torch.equal(weight, model.classifier.weight)
    logits = model.classifier(torch.from_numpy(validation[0]).float()).detach().numpy()
    np.testing.assert_allclose(head_logits(model, validation[0]), logits, atol=1e-4)
