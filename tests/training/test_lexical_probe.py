"""The lexical head's fit: scikit-learn's own TF-IDF and regression, and shares of what neither view was fitted on."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer

from bbc_classifier.errors import InputError
from bbc_classifier.inference.batching import read_rows
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.model.lexical_head import FIRST_FACTOR, PAIR_BUCKETS, SECOND_FACTOR, LexicalHead
from bbc_classifier.records import read_json
from bbc_classifier.training.lexical_probe import fit_idf, held_out_scores, view_shares
from bbc_classifier.training.linear_probe import LEXICAL_INVERSE_PENALTY, fit_head
from bbc_classifier.training.softmax_regression import fit_softmax
from tests.tiny import SIZES, tiny_config

VOCABULARY = SIZES["vocab_size"]
ROWS = [[2, 5 + row % 40, 7 + row % 11, *range(9, 9 + row % 6), 9, 3] for row in range(60)]
TARGETS = np.array([tokens[1] % 3 for tokens in ROWS])


def columns_of(tokens: list[int]) -> list[int]:
    """Return the columns of a row's tokens and pairs, one for each time it has them."""
    pairs = (VOCABULARY + (a * FIRST_FACTOR + b * SECOND_FACTOR) % PAIR_BUCKETS for a, b in pairwise(tokens))
    return [*tokens, *pairs]


def test_the_features_are_those_of_scikit_learn():
    head = LexicalHead(VOCABULARY, 3)
    features = fit_idf(head, ROWS, 0)
    columns = range(VOCABULARY + PAIR_BUCKETS)
    theirs = TfidfVectorizer(analyzer=columns_of, lowercase=False, sublinear_tf=True, vocabulary=columns)
    np.testing.assert_allclose(features.toarray(), theirs.fit_transform(ROWS).toarray(), atol=1e-6)
    np.testing.assert_allclose(head.idf.numpy(), theirs.idf_, rtol=1e-6)


def test_both_heads_together_are_the_weighed_sum_of_their_regressions():
    torch.manual_seed(0)
    names = {index: f"label {index}" for index in range(3)}
    config = PooledEncoderConfig(encoder_config=tiny_config(), id2label=names, lexical_head=True)
    model = PooledEncoderForSequenceClassification(config).eval()
    fit_head(model, read_rows(model, ROWS, 0).vectors, ROWS, TARGETS, 0)
    features = fit_idf(model.lexical_head, ROWS, 0)
    expected = fit_softmax(features, TARGETS, 3, LEXICAL_INVERSE_PENALTY)
    fitted = model.lexical_head.scores.weight.detach().double().numpy()
    share = (fitted * expected.weights).sum() / (expected.weights**2).sum()
    assert share > 0
    np.testing.assert_allclose(fitted, share * expected.weights, atol=1e-5)
    with torch.no_grad():
        right = [model(torch.tensor([row])).logits.argmax().item() for row in ROWS] == TARGETS
    assert right.mean() > 0.9


def test_no_row_is_scored_by_a_regression_it_was_fitted_on():
    # What tells a row's class stands in a column of its own, which nothing but the row itself could teach.
    alone = np.eye(30)
    targets = np.arange(30) % 3
    held_out = held_out_scores(alone, targets, 3, 1e6)
    assert (held_out.argmax(1) == targets).mean() < 0.6
    assert (fit_softmax(alone, targets, 3, 1e6).scores(alone).argmax(1) == targets).all()


def test_a_class_of_one_row_is_no_obstacle():
    targets = np.array([0] * 10 + [1] * 10 + [2])
    assert held_out_scores(np.random.default_rng(0).normal(size=(21, 4)), targets, 3, 1.0).shape == (21, 3)


def test_a_view_that_knows_nothing_gets_no_share():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 3, 500)
    knows = np.eye(3)[targets] * 2 + generator.normal(size=(500, 3))
    noise = generator.normal(size=(500, 3))
    shares = view_shares([knows, noise], targets)
    assert shares[0] > 0.5 and shares[1] < 0.15

    def log_loss(a: float, b: float) -> float:
        return -log_softmax(a * knows + b * noise, axis=1)[np.arange(500), targets].mean()

    best = log_loss(*shares)
    for one, other in ((-0.1, 0), (0.1, 0), (0, 0.1), (-0.1, 0.1), (0.1, 0.1)):
        assert best <= log_loss(shares[0] + one, shares[1] + other) + 1e-9


def test_the_accurate_recipes_kind_of_run_trains_evaluates_and_predicts(run_training):
    run = run_training(head_start="probe", lexical_head=True, distinct_tokens=True, num_train_epochs=0.0)
    record = read_json(run.record)
    assert record["evaluation"]["test"]["metrics"]["accuracy"] > 0.9
    assert read_json(run.model / "config.json")["lexical_head"] is True


def test_a_lexical_head_without_a_probe_is_refused(run_training):
    with pytest.raises(InputError, match="--lexical_head is fitted together with --head_start probe"):
        run_training(lexical_head=True)


def test_a_lexical_head_with_any_number_of_labels_is_refused(run_tagging):
    with pytest.raises(InputError, match="--lexical_head is for one label per text"):
        run_tagging(lexical_head=True, head_start="probe")
