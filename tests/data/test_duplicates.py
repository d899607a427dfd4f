"""Normalization, near duplicates, groups and leakage."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data import duplicates as module
from bbc_classifier.data.duplicates import Duplicates, find_duplicates, leaked_rows, near_duplicate_pairs, text_hash

QUICK = settings(max_examples=40, deadline=None)
# Pieces of one sequence of words.
PIECES = st.tuples(st.integers(0, 8), st.integers(0, 40)).map(lambda ends: " ".join(map(str, range(*ends))))
STORY = "shares fell in early trading on friday as investors waited for the figures of the largest bank in london"
ALMOST = f"{STORY} today"
OTHER = "the striker scored twice in the final and the club won the cup for the first time in thirty years"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It’s 5-nil!", ["its", "5", "nil"]),
        ("co\u00adoperate £1.5bn", ["cooperate", "1", "5bn"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("中国新闻。AI", ["中", "国", "新", "闻", "ai"]),
        ("😀 👍🏽👎 ❤️", ["😀", "👍", "👎", "❤"]),
        ("C++, C# and F#; a+b #tag Sky+", ["c++", "c#", "and", "f#", "a", "b", "tag", "sky"]),
        ("2 ≤ 3 ● ©BBC", ["2", "≤", "3", "bbc"]),
        ("good :)", ["good", ":)"]),
        ("?!", ["?!"]),
        (" \n", []),
    ],
)
def test_words(text, expected):
    assert module.words(text) == expected
    # The first 16 digits of the SHA-256 of "its5nil"; stored in runs.
    assert text_hash("It's 5-nil!") == "370c7dc0e76813c0"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # 8 words make 4 shingles, 9 make 5: exactly the threshold, which counts.
        ("a b c d e f g h", "a b c d e f g h i", 4 / 5),
        ("a b c d e f g", "a b c d e f g h", None),
        ("goal", "Goal!", 1.0),
        # A symbol that carries meaning (fault F8).
        ("good 👍", "good 👎", None),
        ("I use C++ daily", "I use C# daily", None),
        ("", " ", 1.0),
    ],
)
def test_similarity_is_the_share_of_common_shingles(one, other, expected):
    assert near_duplicate_pairs([one, other]) == ([] if expected is None else [(0, 1, expected)])


@QUICK
@given(st.lists(PIECES, max_size=10))
def test_pairs_are_those_of_comparing_all_with_all(texts):
    expected = []
    for (one, first), (other, second) in combinations(enumerate(texts), 2):
        sets = [
            {tuple(cut[start : start + 5]) for start in range(max(1, len(cut) - 4))}
            for cut in (first.split(), second.split())
        ]
        similarity = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        if similarity >= 0.8:
            expected.append((one, other, similarity))
    assert near_duplicate_pairs(texts) == expected


def test_form_letters_stay_one_group_with_few_pairs():
    texts = [f"{' '.join(map(str, range(120)))} number {number}" for number in range(2 * module.MAX_PARTNERS)]
    found = find_duplicates([*texts, OTHER])
    assert len(found.near) < len(texts) * module.MAX_PARTNERS
    assert len(set(found.groups()[:-1])) == 1 and len(set(found.groups())) == 2


@QUICK
@given(st.permutations([STORY, OTHER, ALMOST, STORY.title(), f"{ALMOST} again"]))
def test_the_order_of_rows_changes_no_group(texts):
    groups = dict(zip(texts, find_duplicates(texts).groups(), strict=True))
    key = min(map(text_hash, (STORY, ALMOST, f"{ALMOST} again")))
    assert groups == dict.fromkeys(texts, key) | {OTHER: text_hash(OTHER)}


def test_groups_reach_as_far_as_links_and_leaks_are_rows_of_a_group():
    assert Duplicates(["d", "a", "b", "c", "a"], [("b", "c", 0.9), ("c", "d", 0.8)]).groups() == list("babba")
    assert Duplicates([]).groups() == []
    found = find_duplicates([STORY, ALMOST, STORY.upper()], near=False)
    assert found.near == [] and found.groups() == found.hashes
    duplicates = Duplicates(["x", "x", "y", "z", "v"], [("y", "z", 0.9)])
    splits = ["train", "test", "test", "validation", None]
    assert leaked_rows(duplicates, splits, "test", ["train"]) == [1]
    assert leaked_rows(duplicates, splits, "test", ["train", "validation"]) == [1, 2]
    assert leaked_rows(duplicates, splits, "validation", ["train"]) == []
