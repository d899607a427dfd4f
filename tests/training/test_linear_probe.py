"""The fitted head is scikit-learn's logistic regression, and dead dimensions get no weight."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bbc_classifier.inference.classifier import encode, predict_logits, sigmoid, softmax
from bbc_classifier.model import LexicalHead, PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.training.linear_probe import EMBEDDING_C, fit_idf, fit_linear_probe, mixture_weights
from tests.tiny import SIZES, tiny_config

ROWS = [[2, 5 + row % 40, 7 + row % 11, *range(9, 9 + row % 6), 9, 3] for row in range(60)]
VOCABULARY = SIZES["vocab_size"]


def classifier(labels: int, **options: object) -> PooledEncoderForSequenceClassification:
    torch.manual_seed(0)
    names = {index: f"label {index}." for index in range(labels)}
    config = PooledEncoderConfig(encoder_config=tiny_config(), id2label=names, **options)
    return PooledEncoderForSequenceClassification(config).eval()


def regression(embeddings: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Return scikit-learn's own probabilities for the rows it was fitted on."""
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=EMBEDDING_C, max_iter=1000))
    fitted.fit(embeddings, labels, logisticregression__sample_weight=sample_weight)
    return fitted.predict_proba(embeddings)


@pytest.mark.parametrize(("num_labels", "class_weights"), [(2, None), (4, None), (2, [1.0, 9.0, 1.0])])
def test_single_label_head_is_a_softmax_regression_of_weighted_rows(num_labels, class_weights):
    model = classifier(num_labels + 1, class_weights=class_weights)  # one label has no rows
    labels = np.array([tokens[1] % num_labels for tokens in ROWS])
    embeddings = encode(model, ROWS, 0).embeddings
    fit_linear_probe(model, embeddings, labels)
    expected = regression(embeddings, labels, np.array(class_weights)[labels] if class_weights else None)
    np.testing.assert_allclose(softmax(predict_logits(model, ROWS, 0)[:, :-1]), expected, atol=1e-5)
    assert not model.classifier.weight[-1].any() and not model.classifier.bias[-1]


def test_multi_label_head_is_a_regression_per_label():
    model = classifier(3, problem_type="multi_label_classification")
    labels = np.array([[tokens[1] % 2, tokens[2] % 3 == 0, 1] for tokens in ROWS], dtype=bool)
    embeddings = encode(model, ROWS, 0).embeddings
    fit_linear_probe(model, embeddings, labels)
    expected = np.stack([regression(embeddings, labels[:, label])[:, 1] for label in (0, 1)], axis=1)
    np.testing.assert_allclose(sigmoid(predict_logits(model, ROWS, 0))[:, :2], expected, atol=1e-5)
    assert not model.classifier.weight[2].any()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("scale", [0.0, 6e-33, 1.5e-9, 1e-4])
def test_dead_dimensions_get_weight_0_and_the_others_are_fitted_as_without_them(multi_label, scale):
    model = classifier(3, problem_type=f"{'multi' if multi_label else 'single'}_label_classification")
    embeddings = np.random.default_rng(0).normal(size=(60, 24))
    embeddings[:, [3, 11]] = 0.2 + scale * embeddings[:, [3, 11]]
    labels = np.array([tokens[1] % 3 for tokens in ROWS])
    fit_linear_probe(model, embeddings, np.eye(3, dtype=bool)[labels] if multi_label else labels)
    weight = model.classifier.weight.detach()
    assert not weight[:, [3, 11]].any() and weight[:, [0, 4]].all()
    assert weight.abs().max() <= 1e3
    if not multi_label:
        living = np.delete(embeddings, [3, 11], axis=1)
        logits = model.classifier(torch.from_numpy(embeddings).float()).detach().numpy()
        np.testing.assert_allclose(softmax(logits), regression(living, labels), atol=1e-5)


def test_tfidf_features_are_those_of_scikit_learn_and_of_the_model():
    head = LexicalHead(VOCABULARY, 3)
    features = fit_idf(head, ROWS)
    columns = head.idf.shape[0]

    def terms(tokens: list[int]) -> list[int]:
        """Return the columns of the tokens and of the hashed pairs of neighbors."""
        pairs = [head.counts(torch.tensor([pair]), torch.ones(1, 2))[0, VOCABULARY:] for pair in pairwise(tokens)]
        return [*tokens, *(VOCABULARY + int(counts.argmax()) for counts in pairs)]

    expected = TfidfVectorizer(analyzer=terms, lowercase=False, sublinear_tf=True, vocabulary=range(columns))
    np.testing.assert_allclose(features[:12].toarray(), expected.fit(ROWS).transform(ROWS[:12]).toarray(), atol=1e-6)
    row = torch.tensor([ROWS[5]])
    np.testing.assert_allclose(features[5].toarray(), head.features(row, torch.ones_like(row)).numpy(), atol=1e-6)


def test_regressions_that_do_not_generalize_get_little_weight():
    generator = np.random.default_rng(0)
    labels = np.append(generator.integers(0, 3, 200), 3)  # a class with a row only is missing from some folds
    informative = np.eye(4)[labels] * 2 + generator.normal(size=(201, 4))
    noise, memory = generator.normal(size=(201, 4)), np.eye(201)  # only a row itself could teach its class
    useful, *useless = mixture_weights([(informative, 1.0), (noise, 1.0), (memory, 1e4)], labels)
    assert useful > 0.5 and max(useless) < 0.2
