"""Duplicates: equal folded texts share a key, and what exact or near duplicates link shares a group."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.duplicates import Duplicates, NearDuplicates, find_duplicates, fold, text_key

QUICK = settings(max_examples=40, deadline=None)
STORY = "shares fell in early trading on friday as investors waited for the figures of the largest bank in london"
ALMOST = f"{STORY} today"
OTHER = "the striker scored twice in the final and the club won the cup for the first time in thirty years"


@QUICK
@given(st.text(string.ascii_lowercase + string.digits), st.text(string.ascii_lowercase + string.digits))
def test_two_texts_share_a_key_exactly_when_their_folded_forms_are_equal(one, other):
    assert (text_key(one) == text_key(other)) == (one == other)
    assert text_key(f"{one.upper()} !") == text_key(one) or not one


def test_a_key_is_sixteen_hex_digits_and_never_changes():
    # The first 16 digits of the SHA-256 of "its5nil": records of earlier splits hold such keys.
    assert fold("It's 5-nil!") == "its5nil"
    assert text_key("It's 5-nil!") == "370c7dc0e76813c0"


def test_near_duplicates_are_pairs_of_keys_and_exact_ones_share_a_key():
    found = find_duplicates([STORY, OTHER, STORY.upper(), ALMOST])
    assert found.keys == [text_key(STORY), text_key(OTHER), text_key(STORY), text_key(ALMOST)]
    # 19 words make 15 shingles, one more word makes 16, and 15 of them are common.
    assert found.near == [NearDuplicates(text_key(STORY), text_key(ALMOST), 15 / 16)]
    assert found.partners() == {text_key(STORY): {text_key(ALMOST)}, text_key(ALMOST): {text_key(STORY)}}


def test_without_near_duplicates_only_equal_texts_are_one_group():
    found = find_duplicates(iter([STORY, ALMOST, STORY]), near=False)
    assert found.near == [] and found.partners() == {}
    assert found.groups() == found.keys


def test_a_group_reaches_as_far_as_its_links():
    near = [NearDuplicates("b", "c", 0.9), NearDuplicates("c", "d", 0.8)]
    assert Duplicates(["d", "a", "b", "c", "a"], near).groups() == ["b", "a", "b", "b", "a"]


def test_no_texts_have_no_duplicates():
    assert find_duplicates([]) == Duplicates([], [])
    assert Duplicates([], []).groups() == []


@QUICK
@given(st.permutations([STORY, OTHER, ALMOST, STORY.title(), f"{ALMOST} again", "goal", "Goal!"]))
def test_the_order_of_the_rows_changes_no_group(texts):
    groups = dict(zip(texts, find_duplicates(texts).groups(), strict=True))
    assert groups[STORY] == groups[ALMOST] == groups[STORY.title()] == groups[f"{ALMOST} again"]
    assert groups["goal"] == groups["Goal!"] == text_key("goal")
    assert len(set(groups.values())) == 3
    assert groups[STORY] == min(text_key(text) for text in (STORY, ALMOST, f"{ALMOST} again"))


def test_bbc_news_has_2121_distinct_articles_in_2068_groups(bbc_table):
    found = find_duplicates(bbc_table["text"][:])
    assert len(set(found.keys)) == 2121
    assert len(found.near) == 53
    assert len(set(found.groups())) == 2068
