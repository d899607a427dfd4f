"""Sides are disjoint, complete, stratified, whole by group, and the same wherever and in whatever order rows come."""

import random
import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.split import Split, fold_rows, split_rows
from bbc_classifier.errors import InputError
from tests.data.bbc import default_articles

EXPECTED = Path(__file__).parent / "expected" / "bbc_news_split.json"
SIDES = ("train", "validation", "test")

QUICK = settings(max_examples=40, deadline=None)

Table = tuple[list[str], list[str], list[tuple[str, ...]]]


@st.composite
def grouped_tables(draw: st.DrawFn) -> Table:
    """Row ids, group keys and labels: two or three labels of 6 to 20 groups, each of 1 to 4 rows."""
    row_ids, groups, labels = [], [], []
    for label in string.ascii_lowercase[: draw(st.integers(2, 3))]:
        for group, size in enumerate(draw(st.lists(st.integers(1, 4), min_size=6, max_size=20))):
            for row in range(size):
                row_ids.append(f"{label}/{group}/{row}")
                groups.append(f"{label}-{group}")
                labels.append((label,))
    return row_ids, groups, labels


def single_rows(**counts: int) -> Table:
    row_ids = [f"{label}/{row}" for label, count in counts.items() for row in range(count)]
    return row_ids, row_ids, [(row_id.partition("/")[0],) for row_id in row_ids]


def reordered(table: Table, order: list[int]) -> Table:
    row_ids, groups, labels = ([column[row] for row in order] for column in table)
    return row_ids, groups, labels


def members(split: Split) -> dict[str, set[str]]:
    return {side: set(getattr(split, side)) for side in SIDES}


def assert_a_partition_that_keeps_groups_whole(split: Split, table: Table) -> None:
    row_ids, groups, _ = table
    placed = [row_id for side in SIDES for row_id in getattr(split, side)]
    assert sorted(placed) == sorted(row_ids)
    side_of = {row_id: side for side in SIDES for row_id in getattr(split, side)}
    sides_of_group = {(group, side_of[row_id]) for row_id, group in zip(row_ids, groups, strict=True)}
    assert len(sides_of_group) == len(set(groups))


def test_the_bbc_news_split_is_the_committed_one(bbc_articles):
    # After a wanted change of the split, write the file anew with: python -m tests.data.test_split
    assert bbc_articles.split == Split.load(EXPECTED)
    assert [len(getattr(bbc_articles.split, side)) for side in SIDES] == [1487, 317, 317]


def test_every_side_of_bbc_news_has_each_labels_share_up_to_rounding(bbc_articles):
    counts = bbc_articles.counts()["sides"]
    for label in bbc_articles.label_names:
        total = sum(counts[side][label] for side in SIDES)
        # A group of near duplicates is never divided, so a side can exceed its share by the rest of one.
        assert abs(counts["test"][label] - 0.15 * total) <= 2
        assert abs(counts["validation"][label] - 0.15 * total) <= 2


@QUICK
@given(grouped_tables(), st.integers(0, 2**32))
def test_a_split_is_a_partition_that_keeps_groups_whole(table, seed):
    assert_a_partition_that_keeps_groups_whole(split_rows(*table, seed=seed), table)


@QUICK
@given(grouped_tables(), st.integers(0, 2**32))
def test_every_label_stands_on_every_side_in_its_share_up_to_one_group(table, seed):
    split = split_rows(*table, validation_fraction=0.2, test_fraction=0.2, seed=seed)
    label_of = {row_id: label for row_id, (label,) in zip(table[0], table[2], strict=True)}
    total = Counter(label for (label,) in table[2])
    for side in ("validation", "test"):
        held = Counter(label_of[row_id] for row_id in getattr(split, side))
        for label, count in total.items():
            assert held[label] >= 1
            assert abs(held[label] - 0.2 * count) <= 4
    assert {label_of[row_id] for row_id in split.train} == set(total)


@QUICK
@given(grouped_tables(), st.randoms())
def test_the_order_of_the_rows_changes_neither_sides_nor_fingerprint(table, shuffler):
    order = shuffler.sample(range(len(table[0])), len(table[0]))
    here, there = split_rows(*table), split_rows(*reordered(table, order))
    assert members(here) == members(there)
    assert here.fingerprint == there.fingerprint


@QUICK
@given(grouped_tables(), st.randoms())
def test_the_order_of_the_rows_changes_no_fingerprint_of_single_row_folds(table, shuffler):
    table = (table[0], table[0], table[2])
    order = shuffler.sample(range(len(table[0])), len(table[0]))
    here, there = fold_rows(*table, folds=3), fold_rows(*reordered(table, order), folds=3)
    assert [split.fingerprint for split in here] == [split.fingerprint for split in there]


def test_rows_stand_on_a_side_in_the_tables_order():
    table = single_rows(a=40, b=30)
    position = {row_id: row for row, row_id in enumerate(table[0])}
    split = split_rows(*table)
    for side in SIDES:
        rows = [position[row_id] for row_id in getattr(split, side)]
        assert rows == sorted(rows)


def test_another_seed_gives_another_split_of_the_same_sizes():
    table = single_rows(a=60, b=40)
    one, other = split_rows(*table, seed=1), split_rows(*table, seed=2)
    assert members(one) != members(other)
    assert one.fingerprint != other.fingerprint
    assert [len(getattr(one, side)) for side in SIDES] == [len(getattr(other, side)) for side in SIDES]


def test_adding_an_article_moves_few_others():
    # The order is a hash of each group, so a new row shifts the borders and does not reshuffle the rest.
    before = split_rows(*single_rows(a=100))
    after = split_rows(*single_rows(a=101))
    assert len(set(before.train) - set(after.train)) <= 2


def test_the_fingerprint_tells_labels_and_texts_apart():
    row_ids, groups, labels = single_rows(a=20, b=20)
    plain = split_rows(row_ids, groups, labels).fingerprint
    renamed = split_rows(row_ids, groups, [(label.upper(),) for (label,) in labels]).fingerprint
    edited = split_rows(row_ids, [f"{group}!" for group in groups], labels).fingerprint
    assert len({plain, renamed, edited}) == 3


@QUICK
@given(grouped_tables(), st.integers(2, 5), st.integers(0, 2**32))
def test_folds_are_disjoint_and_complete_and_each_is_a_partition(table, folds, seed):
    splits = fold_rows(*table, folds=folds, seed=seed)
    tested = [row_id for split in splits for row_id in split.test]
    assert sorted(tested) == sorted(table[0])
    for split in splits:
        assert_a_partition_that_keeps_groups_whole(split, table)


@QUICK
@given(grouped_tables(), st.integers(2, 5))
def test_folds_are_stratified_and_balanced_up_to_two_groups(table, folds):
    splits = fold_rows(*table, folds=folds)
    label_of = {row_id: label for row_id, (label,) in zip(table[0], table[2], strict=True)}
    for label in set(label_of.values()):
        held = [sum(label_of[row_id] == label for row_id in split.test) for split in splits]
        assert max(held) - min(held) <= 8


@QUICK
@given(st.integers(2, 6), st.integers(12, 40), st.integers(12, 40))
def test_folds_of_single_rows_differ_by_one_row_of_each_label_at_most(folds, first, second):
    splits = fold_rows(*single_rows(a=first, b=second), folds=folds)
    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= 2
    for label in "ab":
        held = [sum(row_id.startswith(label) for row_id in split.test) for split in splits]
        assert max(held) - min(held) <= 1


def test_five_folds_of_bbc_news_test_every_article_once(bbc_articles):
    row_ids = list(bbc_articles.table["row_id"][:])
    labels = [(row_id.partition("/")[0],) for row_id in row_ids]
    splits = fold_rows(row_ids, row_ids, labels, folds=5)
    assert all(abs(len(split.test) - 2121 / 5) <= len(bbc_articles.label_names) for split in splits)
    assert sorted(row_id for split in splits for row_id in split.test) == sorted(row_ids)
    assert len({split.fingerprint for split in splits}) == 5


def test_the_options_choose_one_fold():
    split = load_articles(DataArguments(folds=5, fold=4)).split
    assert abs(len(split.test) - 2121 / 5) <= 10
    assert split.fingerprint != Split.load(EXPECTED).fingerprint


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"test_fraction": 0}, "must be above 0 and add up to less than 1"),
        ({"validation_fraction": -0.1}, "must be above 0 and add up to less than 1"),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "must be above 0 and add up to less than 1"),
        ({"validation_fraction": float("nan")}, "must be above 0 and add up to less than 1"),
    ],
)
def test_fractions_that_leave_a_side_empty_are_refused(fractions, message):
    with pytest.raises(InputError, match=message):
        split_rows(*single_rows(a=10), **fractions)


def test_a_label_too_rare_for_three_sides_is_named():
    message = r"label 'rare' has 2 distinct articles: too few for test, validation, train; it needs at least 3"
    with pytest.raises(InputError, match=message):
        split_rows(*single_rows(common=20, rare=2))


def test_a_label_too_rare_for_the_folds_is_named():
    message = r"label 'rare' has 3 distinct articles: too few for fold 0, fold 1, fold 2, fold 3, fold 4"
    with pytest.raises(InputError, match=message):
        fold_rows(*single_rows(common=20, rare=3), folds=5)


def test_a_label_that_would_be_missing_from_a_folds_train_side_is_named():
    with pytest.raises(
        InputError, match=r"label 'rare' has 2 distinct articles: too few for fold 0, fold 1; it needs at least 4"
    ):
        fold_rows(*single_rows(common=20, rare=2), folds=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "--folds must be at least 2, not 1"),
        ({"folds": 3, "validation_fraction": 1.0}, "must be above 0 and add up to less than 1"),
    ],
)
def test_folds_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        fold_rows(*single_rows(a=10), **options)


def test_a_saved_split_loads_as_it_was(tmp_path):
    split = split_rows(*single_rows(a=20, b=20))
    split.save(tmp_path / "deep" / "split.json")
    assert Split.load(tmp_path / "deep" / "split.json") == split


def test_a_split_does_not_depend_on_the_random_state():
    random.seed(1)
    one = split_rows(*single_rows(a=30))
    random.seed(2)
    assert one == split_rows(*single_rows(a=30))


if __name__ == "__main__":
    default_articles().split.save(EXPECTED)
