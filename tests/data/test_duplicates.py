"""Exact duplicates are found whatever the case and punctuation, and the first copy is kept."""

import string

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.duplicates import drop_exact_duplicates, fold, group_key
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)
FEATURES = Features({"row_id": Value("string"), "text": Value("string"), "label": ClassLabel(names=["a", "b"])})
# The Turkish dotless i is the one letter whose capital is another letter's.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="ı"), max_size=30)


def table_of(rows: list[tuple[str, str, str]]) -> Dataset:
    return Dataset.from_list(
        [{"row_id": row_id, "text": text, "label": label} for row_id, text, label in rows], features=FEATURES
    )


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("It's 5-nil!", "its5nil"),
        ("  Two\n\nlines\t", "twolines"),
        ("£1.5bn", "15bn"),
        ("Straße", "strasse"),
        ("ΟΔΟΣ", "οδοσ"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_folding_keeps_letters_and_digits_only(text, folded):
    assert fold(text) == folded


@QUICK
@given(TEXTS)
def test_case_never_matters(text):
    assert group_key(text.upper()) == group_key(text) == group_key(text.lower())


@QUICK
@given(TEXTS, st.text(string.punctuation + string.whitespace, max_size=5), st.integers(0, 30))
def test_punctuation_and_spaces_never_matter(text, noise, place):
    assert group_key(text[:place] + noise + text[place:]) == group_key(text)


@QUICK
@given(st.text(string.ascii_lowercase + string.digits), st.text(string.ascii_lowercase + string.digits))
def test_two_texts_share_a_key_exactly_when_their_folded_forms_are_equal(one, other):
    assert (group_key(one) == group_key(other)) == (one == other)


def test_the_first_copy_is_kept_and_the_others_point_to_it():
    table = table_of([("r1", "One.", "a"), ("r2", "Two", "b"), ("r3", "one", "a"), ("r4", "ONE!", "a")])
    distinct = drop_exact_duplicates(table)
    assert list(distinct.table["row_id"][:]) == ["r1", "r2"]
    assert distinct.dropped == {"r3": "r1", "r4": "r1"}
    assert distinct.groups == [group_key("one"), group_key("two")]


def test_copies_with_different_labels_are_refused_with_both_row_ids():
    table = table_of([("r1", "One", "a"), ("r2", "Two", "a"), ("r3", "one", "b")])
    with pytest.raises(InputError, match="'r1' and 'r3' have the same text but different labels"):
        drop_exact_duplicates(table)


@QUICK
@given(st.lists(st.sampled_from(["x", "X!", "y", "y y", "z", "Z z"]), min_size=1, max_size=12), st.randoms())
def test_the_order_of_the_rows_changes_which_copy_is_kept_and_nothing_else(texts, random):
    rows = [(f"r{index}", text, "a") for index, text in enumerate(texts)]
    shuffled = random.sample(rows, len(rows))
    here, there = drop_exact_duplicates(table_of(rows)), drop_exact_duplicates(table_of(shuffled))
    assert sorted(here.groups) == sorted(there.groups)
    assert len(here.dropped) == len(there.dropped)


@QUICK
@given(st.lists(st.sampled_from(["x", "X!", "y", "y y", "z", "Z z"]), min_size=1, max_size=12))
def test_dropping_again_drops_nothing(texts):
    once = drop_exact_duplicates(table_of([(f"r{index}", text, "a") for index, text in enumerate(texts)]))
    again = drop_exact_duplicates(once.table)
    assert again.dropped == {}
    assert list(again.table["row_id"][:]) == list(once.table["row_id"][:])


def test_bbc_news_has_2121_distinct_articles(bbc_table):
    distinct = drop_exact_duplicates(bbc_table)
    assert len(distinct.table) == len(distinct.groups) == len(set(distinct.groups)) == 2121
    assert len(distinct.dropped) == 104
    assert not set(distinct.dropped) & set(distinct.table["row_id"][:])
    assert set(distinct.dropped.values()) <= set(distinct.table["row_id"][:])
