"""Two classifiers on the same rows: hand-computed values, symmetry, and the coverage of the bound."""

import numpy as np
import pytest

from bbc_classifier.evaluation.paired import mcnemar, paired_difference

# Of eight rows the first is right on seven, the second on five; three times only the first, once only the second.
FIRST = np.array([[1, 1, 1, 1, 1, 1, 1, 0]], dtype=bool)
SECOND = np.array([[0, 0, 0, 1, 1, 1, 1, 1]], dtype=bool)


def test_the_difference_and_its_bounds_are_those_computed_by_hand():
    # Differences +1 three times, -1 once, 0 four times: mean 1/4, variance 1/2, standard error 1/4.
    # Student's quantiles of seven degrees of freedom: 1.894579 at 95 %, 2.364624 at 97.5 %.
    found = paired_difference(FIRST, SECOND)
    assert (found.rows, found.first_errors, found.second_errors) == (8, 1, 3)
    assert found.difference == 0.25
    assert found.lower_bound == pytest.approx(0.25 - 1.894579 / 4, abs=1e-6)
    assert found.interval == pytest.approx([0.25 - 2.364624 / 4, 0.25 + 2.364624 / 4], abs=1e-6)
    # Of four rows one or fewer against: 2 (1 + 4) / 16.
    assert found.mcnemar == [{"only_first": 3, "only_second": 1, "p_value": 0.625}]


def test_seeds_are_averaged_row_by_row():
    # The second classifier's other seed is right on every row: its differences halve, its mistakes do too.
    both = np.concatenate([SECOND, np.ones_like(SECOND)])
    found = paired_difference(FIRST, both)
    assert (found.first_seeds, found.second_seeds, found.second_errors) == (1, 2, 1.5)
    assert found.difference == pytest.approx((3 * 0.5 - 1) / 8)
    assert [pair["only_second"] for pair in found.mcnemar] == [1, 1]


def test_the_other_way_round_is_the_same_with_the_sign_turned():
    there, back = paired_difference(FIRST, SECOND), paired_difference(SECOND, FIRST)
    assert back.difference == -there.difference
    assert back.interval == pytest.approx([-there.interval[1], -there.interval[0]])
    assert back.mcnemar[0]["p_value"] == there.mcnemar[0]["p_value"]


def test_equal_classifiers_differ_by_nothing():
    found = paired_difference(FIRST, FIRST)
    assert (found.difference, found.lower_bound, found.interval) == (0, 0, [0, 0])
    assert mcnemar(FIRST[0], FIRST[0]) == {"only_first": 0, "only_second": 0, "p_value": 1.0}


def test_the_lower_bound_is_below_the_truth_as_often_as_it_says():
    generator, draws, rows = np.random.default_rng(0), 1000, 600
    # Both right 94 times in a hundred, only the first 3, only the second 2, neither 1: the truth is one point.
    kinds = generator.choice(4, p=[0.94, 0.03, 0.02, 0.01], size=(draws, 1, rows))
    bounds = [paired_difference((kind == 0) | (kind == 1), (kind == 0) | (kind == 2)).lower_bound for kind in kinds]
    # Three standard errors of a share of 0.95 over a thousand draws.
    assert np.mean(np.array(bounds) <= 0.01) == pytest.approx(0.95, abs=0.021)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (FIRST, SECOND[:, :7], "8 rows against 7"),
        (np.tile(FIRST, (2, 1)), np.tile(SECOND, (3, 1)), "2 seeds against 3"),
    ],
)
def test_what_cannot_be_paired_is_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(first, second)
