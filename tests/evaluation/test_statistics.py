"""Intervals and tests against textbook values, hand-computed cases and brute force."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from bbc_classifier.evaluation import statistics
from bbc_classifier.evaluation.statistics import letter_groups, paired_difference, sign_flip_p_value, wilson_interval

# Of eight rows the first is correct on seven, the second on five; three times only the first, once only the second.
FIRST = np.array([[1, 1, 1, 1, 1, 1, 1, 0]], dtype=bool)
SECOND = np.array([[0, 0, 0, 1, 1, 1, 1, 1]], dtype=bool)
NAMES = list("ABCDEFG")
PAIRS = list(combinations(NAMES, 2))


def test_wilson_interval_of_8_in_10_is_the_textbook_value_and_ends_at_0_and_1():
    assert wilson_interval(8, 10) == pytest.approx([0.4902, 0.9433], abs=5e-5)
    assert wilson_interval(317, 317) == pytest.approx([317 / (317 + 1.959964**2), 1], abs=1e-6)
    assert wilson_interval(0, 10)[0] == 0


def test_paired_difference_by_hand():
    # Differences +1 three times, -1 once, 0 four times: mean 1/4, variance 1/2, standard error 1/4.
    # Student's quantiles of seven degrees of freedom: 1.894579 at 95 %, 2.364624 at 97.5 %.
    result = paired_difference(FIRST, SECOND)
    assert (result["n"], result["diff_pp"], result["diff_rows"]) == (8, 25, 2)
    assert result["interval"] == pytest.approx([25 - 100 * 2.364624 / 4, 25 + 100 * 2.364624 / 4], abs=1e-4)
    # Of four discordant rows one or fewer against: 2 (1 + 4) / 16.
    assert result["p_value"] == pytest.approx(0.625)
    equal = paired_difference(FIRST, FIRST)
    assert (equal["diff_pp"], equal["interval"], equal["p_value"]) == (0, [0, 0], 1)


def test_seeds_are_averaged_by_row():
    both = np.concatenate([SECOND, np.ones_like(SECOND)])
    assert paired_difference(FIRST, both)["diff_pp"] == pytest.approx(100 * (3 * 0.5 - 1) / 8)


@settings(deadline=None, max_examples=50)
@given(arrays(bool, (3, 7)), arrays(bool, (2, 7)))
def test_sign_flip_equals_counting_every_sign_pattern(first, second):
    differences = first.mean(axis=0) - second.mean(axis=0)
    sums = np.array(list(product((-1, 1), repeat=7))) @ differences
    assert sign_flip_p_value(first, second) == pytest.approx(np.mean(abs(sums) >= abs(differences.sum()) - 1e-9))


@settings(deadline=None, max_examples=50)
@given(arrays(bool, (1, 40)), arrays(bool, (1, 40)))
def test_sign_flip_with_one_seed_is_mcnemars_exact_test_also_of_thousands_of_rows(first, second):
    only_first, discordant = int((first & ~second).sum()), int((first != second).sum())
    expected = binomtest(only_first, discordant).pvalue if discordant else 1
    assert sign_flip_p_value(first, second) == pytest.approx(expected)
    equal = np.ones((3, 2121), bool)
    assert sign_flip_p_value(equal, equal & (np.arange(2121) >= 40)) == pytest.approx(2 * 0.5**40)


def test_holm_and_letter_groups_by_hand():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert letter_groups("ABC", []) == {"A": "a", "B": "a", "C": "a"}
    assert letter_groups("ABC", [("A", "C")]) == {"A": "a", "B": "ab", "C": "b"}
    assert letter_groups("ABC", list(combinations("ABC", 2))) == {"A": "a", "B": "b", "C": "c"}
    names = [str(number) for number in range(30)]
    letters = letter_groups(names, list(combinations(names, 2)))
    assert [letters[name] for name in ("0", "25", "26", "29")] == ["a", "z", "a1", "d1"]


@settings(deadline=None)
@given(st.sets(st.sampled_from(PAIRS)), st.permutations(NAMES))
def test_names_share_a_letter_exactly_if_they_are_not_different(different, ranked):
    letters = letter_groups(ranked, sorted(different))
    for one, other in PAIRS:
        assert bool(set(letters[one]) & set(letters[other])) == ((one, other) not in different)
    groups = [{name for name in NAMES if letter in letters[name]} for letter in set("".join(letters.values()))]
    assert not any(one < other for one in groups for other in groups)
