"""Splits are disjoint, complete, stratified, whole by group, and independent of the order of rows."""

import string
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.config import DataArguments
from bbc_classifier.data.splits import (
    SPLITS,
    make_splits,
    sample_rows,
    split_fingerprint,
    split_of_file,
    split_of_name,
    stratified_split,
    validate_trainable,
)
from bbc_classifier.errors import UserError

QUICK = settings(max_examples=30, deadline=None)
Table = tuple[list[str], list[str], list[tuple[str, ...]]]


@st.composite
def grouped_tables(draw: st.DrawFn) -> Table:
    """Row ids, groups and labels: two or three labels of 6 to 20 groups, each of 1 to 4 rows."""
    rows = [
        (f"{label}/{group}/{row}", f"{label}-{group}", (label,))
        for label in string.ascii_lowercase[: draw(st.integers(2, 3))]
        for group, size in enumerate(draw(st.lists(st.integers(1, 4), min_size=6, max_size=20)))
        for row in range(size)
    ]
    row_ids, groups, labels = map(list, zip(*rows, strict=True))
    return row_ids, groups, labels


def single_rows(**counts: int) -> Table:
    row_ids = [f"{label}/{row}" for label, count in counts.items() for row in range(count)]
    return row_ids, row_ids, [(row_id.partition("/")[0],) for row_id in row_ids]


def cut(table: Table, predefined: list[str] | None = None, **options) -> dict[str, list[int]]:
    return make_splits(*table, predefined, DataArguments(**options))


@QUICK
@given(grouped_tables(), st.integers(0, 2**31), st.randoms())
def test_splits_are_a_stratified_partition_by_group_in_any_order(table, seed, shuffler):
    options = {"validation_fraction": 0.2, "test_fraction": 0.2, "split_seed": seed}
    splits = cut(table, **options)
    row_ids, groups, labels = table
    assert sorted(row for rows in splits.values() for row in rows) == list(range(len(row_ids)))
    assert all(rows == sorted(rows) for rows in splits.values())
    assert len({(groups[row], split) for split, rows in splits.items() for row in rows}) == len(set(groups))
    total = Counter(label for (label,) in labels)
    for split in SPLITS:
        held = Counter(labels[row][0] for row in splits[split])
        share = 0.6 if split == "train" else 0.2
        assert all(held[label] >= 1 and abs(held[label] - share * count) <= 6 for label, count in total.items())
    order = shuffler.sample(range(len(row_ids)), len(row_ids))
    shuffled = tuple([column[row] for row in order] for column in table)
    assert split_fingerprint(*table, splits) == split_fingerprint(*shuffled, cut(shuffled, **options))


@QUICK
@given(grouped_tables(), st.integers(2, 5))
def test_folds_test_every_row_once(table, folds):
    splits = [cut(table, folds=folds, fold=fold) for fold in range(folds)]
    assert sorted(row for split in splits for row in split["test"]) == list(range(len(table[0])))
    for split in splits:
        assert sorted(row for rows in split.values() for row in rows) == list(range(len(table[0])))
        assert {table[2][row] for row in split["train"]} == set(table[2])


def test_multi_label_rows_and_rows_without_labels_are_split():
    labels = [("a",), ("b",), ("a", "b"), ()] * 30
    keys = [str(row) for row in range(120)]
    splits = cut((keys, keys, labels))
    for labelset in set(labels):
        assert 2 <= sum(labels[row] == labelset for row in splits["test"]) <= 7


def test_one_more_row_moves_few_others():
    before, after = (cut(single_rows(a=size, b=20)) for size in (100, 101))
    moved = {row for row in before["train"] if row < 100} - set(after["train"])
    assert len(moved) <= 2


def test_predefined_splits_stay_and_missing_ones_are_cut_from_train():
    table = single_rows(a=30, b=30)
    predefined = ["test" if row % 3 == 0 else "train" for row in range(60)]
    splits = cut(table, predefined)
    assert splits["test"] == list(range(0, 60, 3))
    assert len(splits["validation"]) == 6 and len(splits["train"]) == 34


def test_the_fingerprint_depends_on_ids_groups_labels_and_splits():
    row_ids, groups, labels = single_rows(a=20, b=20)
    splits = cut((row_ids, groups, labels))
    moved = {**splits, "train": splits["train"][1:], "test": [*splits["test"], splits["train"][0]]}
    prints = {
        split_fingerprint(row_ids, groups, labels, splits),
        split_fingerprint([f"{name}!" for name in row_ids], groups, labels, splits),
        split_fingerprint(row_ids, [f"{name}!" for name in groups], labels, splits),
        split_fingerprint(row_ids, groups, [(label.upper(),) for (label,) in labels], splits),
        split_fingerprint(row_ids, groups, labels, moved),
    }
    assert len(prints) == 5


def test_samples_are_stratified_and_no_larger_than_asked():
    row_ids, _, labels = single_rows(a=40, b=20, c=1)
    rows = sample_rows(range(61), row_ids, labels, 12, 42)
    assert len(rows) == 12 and Counter(labels[row][0] for row in rows)["b"] in (3, 4, 5)
    assert sample_rows(range(61), row_ids, labels, 100, 42) == list(range(61))
    for size in range(1, 61):
        assert len(sample_rows(range(61), row_ids, labels, size, 42)) == size


def test_limits_apply_to_each_split():
    splits = cut(single_rows(a=40, b=40), max_train_samples=10, max_eval_samples=2)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 10, "validation": 2, "test": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "--validation_fraction and --test_fraction"),
        ({"folds": 3}, "--folds K"),
        ({"fold": 1}, "--folds K"),
        ({"folds": 3, "fold": 3}, "--folds K"),
    ],
)
def test_options_that_are_not_possible(options, message):
    with pytest.raises(UserError, match=message):
        cut(single_rows(a=10, b=10), **options)


def test_folds_and_predefined_splits_exclude_each_other():
    with pytest.raises(UserError, match="--folds"):
        cut(single_rows(a=2, b=2), ["train", "test"] * 2, folds=2, fold=0)


@pytest.mark.parametrize(("options", "needed"), [({}, 3), ({"folds": 5, "fold": 0}, 5), ({"folds": 2, "fold": 0}, 4)])
def test_a_label_with_too_few_groups_is_named_with_the_way_out(options, needed):
    with pytest.raises(UserError, match=rf"'rare' has 2 .* at least {needed}; --min_label_rows 3"):
        cut(single_rows(common=20, rare=2), **options)


def test_min_groups():
    splits = stratified_split(*single_rows(a=4)[1:], {"one": 0.01, "other": 0.99}, 1, min_groups=2)
    assert len(splits["one"]) == 2


@pytest.mark.parametrize(
    ("labels", "splits", "message"),
    [
        ([("a",), ("a",)], {"train": [0], "validation": [], "test": [1]}, "only label is 'a'"),
        ([(), ()], {"train": [0], "validation": [], "test": [1]}, "no row has a label"),
        ([("a",), ("b",)], {"train": [], "validation": [], "test": [0, 1]}, "--train_file"),
        ([("a",), ("b",)], {"train": [0], "validation": [], "test": [1]}, "row 'r1' of test has the label 'b'"),
    ],
)
def test_splits_that_cannot_be_trained_on(labels, splits, message):
    with pytest.raises(UserError, match=message):
        validate_trainable(["r0", "r1"], labels, splits)


def test_split_names():
    names = {"train": "train", "Dev": "validation", "val": "validation", "TEST": "test", "train_small": None}
    assert {name: split_of_name(name) for name in names} == names
    stems = {"news-train-00000-of-00002": "train", "my_eval": "validation", "latest": None, "train_test": None}
    assert {stem: split_of_file(stem) for stem in stems} == stems
