"""A sample: no larger than asked for, with the labels' shares, and the same rows in any order of them."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.sample import sample_rows

QUICK = settings(max_examples=40, deadline=None)


def sample(labels: dict[str, str], most: int | None, seed: int = 42) -> list[str]:
    row_ids = list(labels)
    rows = sample_rows(range(len(row_ids)), row_ids, [[label] for label in labels.values()], most, seed)
    assert rows == sorted(rows)
    return [row_ids[row] for row in rows]


def table(**counts: int) -> dict[str, str]:
    return {f"{label}{number}": label for label, count in counts.items() for number in range(count)}


@pytest.mark.parametrize("most", [None, 6, 7])
def test_no_more_than_there_is_keeps_all(most):
    labels = table(arts=3, sport=3)
    assert sample(labels, most) == list(labels)


def test_the_labels_keep_their_shares():
    labels = table(arts=60, sport=30, tech=10)
    assert Counter(labels[row_id] for row_id in sample(labels, 50)) == {"arts": 30, "sport": 15, "tech": 5}


@pytest.mark.parametrize("seed", range(20))
def test_no_label_is_lost_while_there_is_room_for_all(seed):
    labels = table(sport=1000, arts=5, tech=5, law=5, food=5)
    assert {labels[row_id] for row_id in sample(labels, 20, seed)} == {"sport", "arts", "tech", "law", "food"}
    assert {labels[row_id] for row_id in sample(labels, 5, seed)} == {"sport", "arts", "tech", "law", "food"}


@QUICK
@given(
    counts=st.lists(st.integers(1, 8), min_size=1, max_size=5),
    most=st.integers(1, 20),
    seed=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_a_sample_has_its_size_and_does_not_depend_on_the_order_of_the_rows(counts, most, seed, order):
    labels = table(**{f"label {number} ": count for number, count in enumerate(counts)})
    chosen = sample(labels, most, seed)
    assert len(chosen) == min(most, len(labels))
    shuffled = dict(order.sample(list(labels.items()), len(labels)))
    assert sorted(sample(shuffled, most, seed)) == sorted(chosen)


def test_only_the_rows_asked_for_are_sampled():
    row_ids = [f"row {number}" for number in range(20)]
    labels = [["arts"], ["sport"]] * 10
    rows = random.Random(0).sample(range(20), 10)
    chosen = sample_rows(sorted(rows), row_ids, labels, 4, seed=42)
    assert len(chosen) == 4 and set(chosen) <= set(rows)


def test_rows_of_several_labels_or_none_are_sampled_too():
    row_ids = [f"row {number}" for number in range(12)]
    labels = [["arts", "sport"], [], ["sport"], ["arts"]] * 3
    assert len(sample_rows(range(12), row_ids, labels, 5, seed=42)) == 5
