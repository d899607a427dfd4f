"""The sign-flip test against every sign pattern counted one by one, McNemar's test, and a case done by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bbc_classifier.comparison.sign_flip import sign_flip_p_value
from bbc_classifier.evaluation.paired import mcnemar


def counted(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of all sign patterns whose sum is at least as far from 0 as the one that was seen."""
    differences = first.mean(axis=0) - second.mean(axis=0)
    sums = [float(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    return np.mean([abs(total) >= abs(differences.sum()) - 1e-9 for total in sums])


def test_a_case_done_by_hand():
    # Differences 1, 1, 1, 0: of eight sign patterns of the three, +++ and --- are as far from 0 as 3 is.
    first, second = np.array([[1, 1, 1, 1]], bool), np.array([[0, 0, 0, 1]], bool)
    assert sign_flip_p_value(first, second) == pytest.approx(2 / 8)


def test_two_seeds_done_by_hand():
    # Differences 1, 1/2 and -1/2. Of the eight patterns of signs, sums of size 2: two; of size 1: four; 0: two.
    first = np.array([[1, 1, 0], [1, 0, 0]], bool)
    second = np.array([[0, 0, 1], [0, 0, 0]], bool)
    assert sign_flip_p_value(first, second) == pytest.approx(6 / 8)


@settings(deadline=None)
@given(arrays(bool, (3, 7)), arrays(bool, (2, 7)))
def test_every_pattern_counted_gives_the_same(first, second):
    assert sign_flip_p_value(first, second) == pytest.approx(counted(first, second))


@settings(deadline=None)
@given(arrays(bool, (1, 40)), arrays(bool, (1, 40)))
def test_with_one_seed_it_is_mcnemars_exact_test(first, second):
    assert sign_flip_p_value(first, second) == pytest.approx(mcnemar(first[0], second[0])["p_value"])


@settings(deadline=None)
@given(arrays(bool, (2, 30)), arrays(bool, (2, 30)), st.randoms(use_true_random=False))
def test_neither_the_order_of_articles_nor_of_classifiers_matters(first, second, random):
    order = random.sample(range(30), 30)
    p_value = sign_flip_p_value(first, second)
    assert sign_flip_p_value(second[:, order], first[:, order]) == pytest.approx(p_value)
    # The same seed twice says no more than once.
    assert sign_flip_p_value(np.repeat(first, 2, axis=0), second) == pytest.approx(p_value)


def test_alike_is_no_evidence_and_thousands_of_articles_are_no_obstacle():
    alike = np.ones((3, 2121), bool)
    assert sign_flip_p_value(alike, alike) == 1
    worse = alike.copy()
    worse[:, :40] = False
    assert sign_flip_p_value(alike, worse) == pytest.approx(2 * 0.5**40)


def test_other_articles_are_refused():
    with pytest.raises(ValueError, match="5 articles against 4"):
        sign_flip_p_value(np.ones((1, 5), bool), np.ones((1, 4), bool))
