"""Pairs: Holm's adjustment by hand, effects in points and articles, and letters that follow from them."""

import numpy as np
import pytest

from bbc_classifier.comparison.pairs import compare_pairs, rank, rank_groups

ARTICLES = 100


def right(*wrong: int, seeds: int = 1) -> np.ndarray:
    """Return a classifier that is wrong on these articles with every seed."""
    answers = np.ones((seeds, ARTICLES), bool)
    answers[:, list(wrong)] = False
    return answers


RIGHT = {"worst": right(*range(30)), "best": right(50), "middle": right(*range(8))}


def test_the_pairs_are_ranked_and_their_effects_are_in_points_and_articles():
    assert rank(RIGHT) == ["best", "middle", "worst"]
    pairs = {(row["first"], row["second"]): row for row in compare_pairs(RIGHT)}
    assert list(pairs) == [("best", "middle"), ("best", "worst"), ("middle", "worst")]
    row = pairs["best", "middle"]
    assert (row["points"], row["articles"]) == (pytest.approx(7), pytest.approx(7))
    assert row["interval"][0] < 7 < row["interval"][1]
    assert row["mcnemar"] == [{"only_first": 8, "only_second": 1, "p_value": pytest.approx(20 / 512)}]


def test_holm_multiplies_the_smallest_by_all_the_next_by_one_less_and_never_falls():
    pairs = compare_pairs(RIGHT)
    by_size = sorted(pairs, key=lambda row: row["p_value"])
    expected, least = [], 0.0
    for remaining, row in zip((3, 2, 1), by_size, strict=True):
        least = max(least, min(1.0, remaining * row["p_value"]))
        expected.append(least)
    assert [row["p_holm"] for row in by_size] == pytest.approx(expected)
    assert [row["different"] for row in by_size] == [p_value <= 0.05 for p_value in expected]
    # 0.039 alone would be called different; it still is as the last of Holm's steps, which tests it at 0.05.
    assert rank_groups(RIGHT, pairs) == {"best": "a", "middle": "b", "worst": "c"}


def test_what_is_not_told_apart_shares_a_letter():
    close = {"one": right(1), "other": right(2, 3), "far": right(*range(40))}
    assert rank_groups(close, compare_pairs(close)) == {"one": "a", "other": "a", "far": "b"}


def test_seeds_are_averaged_and_mcnemar_pairs_them_only_where_they_are_as_many():
    three = np.concatenate([right(1), right(1, 2), right(1, 2, 3)])
    (row,) = compare_pairs({"three": three, "one": right(9)})
    assert row["first"] == "one" and row["articles"] == pytest.approx(1) and row["mcnemar"] == []
    (row,) = compare_pairs({"three": three, "also three": right(9, seeds=3)})
    assert [each["only_second"] for each in row["mcnemar"]] == [1, 1, 1]


def test_a_single_configuration_has_no_pairs():
    assert compare_pairs({"one": right(1)}) == []
