"""Probabilities from outputs, and what is given for them, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bbc_classifier.inference.decision import above_thresholds, most_probable, sigmoid, softmax

PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)), st.floats(-100, 100))
def test_softmax_is_a_distribution_and_a_shift_changes_nothing(logits, shift):
    probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(softmax(logits + shift), probabilities, atol=1e-9)


def test_sigmoid_is_the_odds_of_each_cell_and_does_not_overflow():
    with np.errstate(over="raise"):
        assert sigmoid(np.array([[0.0, np.log(3), -np.log(3), 1e6, -1e6]])).tolist() == [
            [0.5, pytest.approx(0.75), pytest.approx(0.25), 1, 0]
        ]


def test_the_most_probable_cell_of_each_row_is_one_also_where_two_are_equal():
    assert most_probable(PROBABILITIES).tolist() == [[False, True, False], [True, False, False]]
    assert most_probable(np.zeros((0, 3))).shape == (0, 3)


def test_a_cell_that_equals_its_threshold_reaches_it():
    assert above_thresholds(PROBABILITIES, [0.3, 0.6, 0.4]).tolist() == [[False, False, False], [True, False, True]]
