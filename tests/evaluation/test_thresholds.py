"""Thresholds by hand, and that no other threshold would have served a label better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bbc_classifier.evaluation.thresholds import choose_thresholds


def choose(there: list[int], probabilities: list[float]) -> float:
    """Return the threshold of a label alone."""
    (threshold,) = choose_thresholds(np.array(there)[:, None], np.array(probabilities)[:, None])
    return threshold


@pytest.mark.parametrize(
    ("there", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.5),  # every threshold from 0.2 to 0.8 is right; 0.5 is one of them
        ([0, 0, 1, 1], [0.05, 0.1, 0.2, 0.3], 0.15),  # a rare label: between 0.1 and 0.2
        ([0, 0, 1, 1], [0.6, 0.7, 0.8, 0.9], 0.75),
        ([1, 1, 1, 0], [0.3, 0.2, 0.1, 0.4], 0.05),  # given to every row, F1 is 6/7; to all but the last, less
        ([1, 0, 1, 0], [0.9, 0.6, 0.3, 0.1], 0.2),  # F1 of 2/3 with one row, 1/2 with two, 4/5 with three
        ([0, 0, 0], [0.9, 0.8, 0.7], 0.5),  # nothing to learn from
        ([1, 1], [0.2, 0.2], 0.1),
        ([1], [1.0], 0.5),
    ],
)
def test_the_threshold_is_the_one_worked_out_by_hand(there, probabilities, expected):
    assert choose(there, probabilities) == pytest.approx(expected)


def test_of_two_equally_good_thresholds_it_is_the_one_closer_to_a_half():
    # One of two found and nothing wrong (above 0.6): F1 2/3. All four given (below 0.4): F1 2/3.
    there, probabilities = [1, 0, 0, 1], [0.7, 0.6, 0.55, 0.35]
    assert choose(there, probabilities) == pytest.approx(0.65)
    there, probabilities = [1, 0, 0, 1], [0.95, 0.85, 0.55, 0.35]
    assert choose(there, probabilities) == pytest.approx(0.175)


def test_each_label_has_a_threshold_of_its_own():
    targets = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 0]])
    probabilities = np.array([[0.6, 0.3, 0.9], [0.8, 0.2, 0.9], [0.9, 0.1, 0.9]])
    assert choose_thresholds(targets, probabilities) == pytest.approx([0.7, 0.15, 0.5])


ROWS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=25)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.floats(0.001, 0.999))
def test_no_other_threshold_has_a_better_f1(rows, other):
    there, probabilities = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    threshold = choose(there, probabilities)
    assert 0 < threshold < 1
    if there.any():
        f1 = {cut: f1_score(there, probabilities >= cut, zero_division=0) for cut in (threshold, other)}
        # A threshold below the smallest probability that a float can halve does not exist.
        assert f1[threshold] >= f1[other] or probabilities.min() < 1e-300


@settings(max_examples=30, deadline=None)
@given(ROWS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows, shuffler):
    shuffled = shuffler.sample(rows, len(rows))
    first, second = (choose([row[0] for row in some], [row[1] for row in some]) for some in (rows, shuffled))
    assert first == second


def test_rounding_in_another_batch_turns_no_decision_over():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, (200, 5))
    probabilities = 0.3 * targets + 0.7 * generator.random((200, 5))
    thresholds = choose_thresholds(targets, probabilities)
    noise = generator.uniform(-1e-7, 1e-7, probabilities.shape)
    assert ((probabilities >= thresholds) == (probabilities + noise >= thresholds)).all()
