"""Rows of several labels: each label has its share on each side, groups stay whole, and a new row moves few others."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.sample import sample_rows
from bbc_classifier.data.split import complete_split
from bbc_classifier.data.stratify import stratified_sides
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)
SHARES = {"test": 0.2, "validation": 0.2, "train": 0.6}
LABEL_SETS = st.lists(st.sets(st.sampled_from("abcd"), max_size=3).map(sorted), min_size=60, max_size=120)


def keys(count: int) -> list[str]:
    return [f"key {number}" for number in range(count)]


def held(rows: list[int], labels: list[list[str]]) -> Counter[str]:
    return Counter(name for row in rows for name in labels[row])


def enough(labels: list[list[str]]) -> list[list[str]]:
    """Return the label sets without the labels that too few rows have."""
    counts = Counter(name for row in labels for name in row)
    return [[name for name in row if counts[name] >= 15] for row in labels]


@QUICK
@given(LABEL_SETS, st.integers(0, 99))
def test_every_row_of_several_labels_is_on_one_side_and_every_side_has_its_share(labels, seed):
    labels = enough(labels)
    sides = stratified_sides(keys(len(labels)), labels, SHARES, seed)
    assert sorted(row for rows in sides.values() for row in rows) == list(range(len(labels)))
    total = held(list(range(len(labels))), labels)
    for side, rows in sides.items():
        for name, count in total.items():
            # Filling for one label moves others; what is left of that evens out over the more frequent labels.
            assert abs(held(rows, labels)[name] - SHARES[side] * count) <= 0.12 * count + 2
    assert all(held(sides["train"], labels)[name] for name in total)


def test_rows_without_any_label_are_spread_too():
    labels: list[list[str]] = [["a"]] * 50 + [[]] * 50
    sides = stratified_sides(keys(100), labels, SHARES, seed=1)
    assert {side: sum(not labels[row] for row in rows) for side, rows in sides.items()} == {
        "test": 10,
        "validation": 10,
        "train": 30,
    }


def test_three_groups_of_very_different_size_still_reach_three_sides():
    groups = ["big"] * 9 + ["one", "other"]
    for seed in range(20):
        sides = stratified_sides(groups, [["a"]] * 11, SHARES, seed)
        assert all(sides.values())


def test_a_new_row_of_several_labels_moves_few_others():
    labels = [[["a"], ["a", "b"], ["b", "c"], ["c"]][row % 4] for row in range(201)]
    before = stratified_sides(keys(200), labels[:200], SHARES, seed=3)
    after = stratified_sides(keys(201), labels, SHARES, seed=3)
    assert sum(len(set(before[side]) - set(after[side])) for side in SHARES) <= 8


def test_a_rare_label_among_several_is_named():
    labels = [["common", "rare"], ["common", "rare"], *[["common"]] * 10]
    with pytest.raises(InputError, match="label 'rare' has 2 distinct articles: too few for test, validation, train"):
        stratified_sides(keys(12), labels, SHARES, seed=0)


def test_missing_sides_are_cut_from_train_and_ready_made_ones_stay():
    row_ids, labels = keys(60), [["a"], ["b"]] * 30
    sides = ["test" if row < 20 else "train" for row in range(60)]
    split = complete_split(row_ids, row_ids, labels, sides, validation_fraction=0.25)
    assert split.test == row_ids[:20]
    assert (len(split.validation), len(split.train)) == (10, 30)
    sides = [["train", "validation", "test"][row % 3] for row in range(60)]
    whole = complete_split(row_ids, row_ids, labels, sides)
    assert (whole.train, whole.validation, whole.test) == (row_ids[::3], row_ids[1::3], row_ids[2::3])
    only_test = complete_split(row_ids, row_ids, labels, ["test"] * 60)
    assert (only_test.train, only_test.validation, only_test.test) == ([], [], row_ids)


def test_a_cut_validation_side_never_shares_a_group_with_train():
    groups = [f"group {row // 2}" for row in range(60)]
    sides = ["test" if row >= 50 else "train" for row in range(60)]
    split = complete_split(keys(60), groups, [["a"]] * 60, sides)
    group_of = dict(zip(keys(60), groups, strict=True))
    assert not {group_of[row] for row in split.train} & {group_of[row] for row in split.validation}


@pytest.mark.parametrize("most", [1, 7, 30, 89, 90, 500])
def test_a_sample_has_the_size_asked_for_and_the_shares_of_the_labels(most):
    labels = [["a"], ["a"], ["b"]] * 30
    rows = sample_rows(range(90), keys(90), labels, most, seed=0)
    assert len(rows) == min(most, 90)
    assert rows == sorted(set(rows))
    assert abs(held(rows, labels)["b"] - len(rows) / 3) <= 1


def test_a_sample_is_the_same_again_and_without_a_limit_everything():
    labels = [["a"], ["b"]] * 20 + [["single"]]
    assert sample_rows(range(41), keys(41), labels, 10, seed=5) == sample_rows(range(41), keys(41), labels, 10, seed=5)
    assert sample_rows(range(41), keys(41), labels, None, seed=5) == list(range(41))


def test_the_rarest_label_is_placed_first_so_that_the_frequent_ones_even_out_what_it_leaves():
    # Ten rows with both labels and ninety with the frequent one alone; were "a" first, its groups would be dealt out
    # before "z" is looked at, and "z" would land where chance put it.
    labels = [["a", "z"]] * 10 + [["a"]] * 90
    for seed in range(20):
        sides = stratified_sides(keys(100), labels, SHARES, seed)
        assert [held(sides[side], labels)["z"] for side in SHARES] == [2, 2, 6]
        assert [len(sides[side]) for side in SHARES] == [20, 20, 60]
