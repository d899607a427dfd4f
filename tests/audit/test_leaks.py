"""Leaks on BBC News: what a naive split leaks, and that a split by group leaks nothing."""

import numpy as np
import pytest

from bbc_classifier.audit.leaks import grouped_split_leaks, leaked, random_split_leaks
from bbc_classifier.data.options import DataArguments
from tests.audit.conftest import STORY, STORY_TODAY, examine, table_of
from tests.data.bbc import every_article


@pytest.fixture(scope="module")
def bbc():
    return examine(every_article())


def test_a_naive_split_of_bbc_news_leaks_six_or_seven_percent_of_test(bbc):
    rows, texts = bbc
    assert (len(rows), len(texts), len(set(texts.groups))) == (2225, 2121, 2068)
    random = random_split_leaks(texts)
    assert random["splits"] == 100 and random["test_rows"] == 334
    assert 0.055 < random["exact_share"]["mean"] < 0.075
    for kind in ("exact_share", "exact_or_near_share"):
        assert random[kind]["min"] < random[kind]["mean"] < random[kind]["max"]
    assert random["exact_or_near_share"]["mean"] > random["exact_share"]["mean"]


@pytest.mark.parametrize("seed", [0, 42])
def test_a_split_by_group_leaks_nothing(bbc, seed):
    rows, texts = bbc
    grouped = grouped_split_leaks(texts, rows, DataArguments(split_seed=seed))
    assert 310 < grouped["test_rows"] < 360
    assert grouped["exact"] == grouped["exact_or_near"] == 0


def test_a_row_leaks_when_its_text_or_a_near_duplicate_of_it_was_seen():
    texts = examine(table_of([(f"r{row}", text, "tech") for row, text in enumerate([STORY, "", STORY_TODAY, " "])]))[1]
    exact, either = leaked(texts, np.array([0, 1, 2]), np.array([0, 3]))
    assert exact.tolist() == [True, False, False]
    assert either.tolist() == [True, False, True]
