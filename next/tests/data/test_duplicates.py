"""Normalization, near duplicates, groups, conflicts and leakage."""

import string
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.duplicates import (
    MAX_PARTNERS,
    Duplicates,
    conflicting_groups,
    find_duplicates,
    leaked_rows,
    near_duplicate_pairs,
    normalize_text,
    text_hash,
    text_hashes,
    words,
)

QUICK = settings(max_examples=40, deadline=None)
LETTERS = string.ascii_lowercase
STORY = "shares fell in early trading on friday as investors waited for the figures of the largest bank in london"
ALMOST = f"{STORY} today"
OTHER = "the striker scored twice in the final and the club won the cup for the first time in thirty years"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It’s 5-nil!", ["its", "5", "nil"]),
        ("co\u00adoperate £1.5bn", ["cooperate", "1", "5bn"]),
        ("Straße ＦＵＬＬ ﬁne", ["strasse", "full", "fine"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می‌روم", ["میروم"]),
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
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("good 👍", "good 👎"), ("I use C++ daily", "I use C# daily"), ("fine :)", "fine :("), ("a ≤ b", "a ≥ b")],
)
def test_texts_that_differ_in_a_meaningful_symbol_are_not_duplicates(one, other):
    assert text_hash(one) != text_hash(other)
    assert near_duplicate_pairs([one, other]) == []


@QUICK
@given(st.lists(st.text(string.ascii_letters + "é中か", min_size=1), min_size=1), st.text(" \n.,!?-\"'%/"))
def test_case_punctuation_and_spaces_never_matter(parts, noise):
    assert normalize_text(noise.join(parts)) == normalize_text("".join(parts).upper())


def test_hashes_are_stable():
    # The first 16 digits of the SHA-256 of "its5nil"; stored in runs.
    assert text_hash("It's 5-nil!") == "370c7dc0e76813c0"
    assert text_hashes(["b", "a", "A!"]) == sorted({text_hash("a"), text_hash("b")})


def letters(first: int, last: int) -> str:
    return " ".join(LETTERS[first:last])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # 26 letters make 22 shingles; without the last letter there are 21, all common.
        (letters(0, 26), letters(0, 25), 21 / 22),
        # 8 words make 4 shingles, 9 make 5: exactly the threshold, which counts.
        (letters(0, 8), letters(0, 9), 4 / 5),
        (letters(0, 7), letters(0, 8), None),
        # One changed word in the middle changes five shingles of each text: 17 of 27.
        (letters(0, 26), f"{letters(0, 12)} other {letters(13, 26)}", None),
        (letters(0, 26), letters(0, 26).upper().replace(" ", ", "), 1.0),
        (letters(0, 20), " ".join(reversed(letters(0, 20).split())), None),
        ("goal", "Goal!", 1.0),
        ("", " ", None),
    ],
)
def test_similarity_is_the_share_of_common_shingles(one, other, expected):
    assert near_duplicate_pairs([one, other]) == ([] if expected is None else [(0, 1, expected)])


@st.composite
def corpora(draw: st.DrawFn) -> list[str]:
    """Up to ten pieces of one sequence, with a few words changed."""
    sequence, texts = [f"w{index % 40}" for index in range(60)], []
    changes = st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["x", "y", "w3"])), max_size=3)
    for _ in range(draw(st.integers(0, 10))):
        piece = dict(enumerate(sequence[: draw(st.sampled_from([0, 3, 5, 9, 30, 58, 60]))]))
        piece |= {place: word for place, word in draw(changes) if place in piece}
        texts.append(" ".join(piece.values()))
    return texts


@QUICK
@given(corpora(), st.sampled_from([0.5, 0.8]))
def test_pairs_are_those_of_comparing_all_with_all(texts, threshold):
    expected = []
    for (one, first), (other, second) in combinations(enumerate(texts), 2):
        sets = [
            {tuple(cut[start : start + 5]) for start in range(max(1, len(cut) - 4))} if cut else set()
            for cut in (first.split(), second.split())
        ]
        similarity = len(sets[0] & sets[1]) / max(1, len(sets[0] | sets[1]))
        if similarity >= threshold:
            expected.append((one, other, similarity))
    assert near_duplicate_pairs(texts, threshold) == expected


def test_form_letters_stay_one_group_with_few_pairs():
    form = " ".join(f"w{number}" for number in range(120))
    texts = [f"{form} number {number}" for number in range(2 * MAX_PARTNERS)]
    found = find_duplicates([*texts, OTHER])
    assert len(found.near) < len(texts) * MAX_PARTNERS
    groups = found.groups()
    assert len(set(groups[:-1])) == 1 and len(set(groups)) == 2


@QUICK
@given(st.permutations([STORY, OTHER, ALMOST, STORY.title(), f"{ALMOST} again", "goal", "Goal!"]))
def test_the_order_of_rows_changes_no_group(texts):
    groups = dict(zip(texts, find_duplicates(texts).groups(), strict=True))
    assert groups[STORY] == groups[ALMOST] == groups[STORY.title()] == groups[f"{ALMOST} again"]
    assert groups["goal"] == groups["Goal!"] == text_hash("goal")
    assert len(set(groups.values())) == 3
    assert groups[STORY] == min(map(text_hash, (STORY, ALMOST, f"{ALMOST} again")))


def test_groups_reach_as_far_as_links():
    assert Duplicates(["d", "a", "b", "c", "a"], [("b", "c", 0.9), ("c", "d", 0.8)]).groups() == list("babba")
    assert Duplicates([]).groups() == []


def test_exact_only():
    found = find_duplicates([STORY, ALMOST, STORY.upper()], near=False)
    assert found.near == [] and found.groups() == found.hashes
    assert len(set(found.hashes)) == 2


def test_conflicting_groups():
    labels = [("a",), ("b",), ("a",), ("a",), None]
    assert conflicting_groups(["x", "x", "x", "y", "y"], labels) == [[0, 1, 2]]


def test_leaked_rows():
    duplicates = Duplicates(["x", "x", "y", "z", "v"], [("y", "z", 0.9)])
    splits = ["train", "test", "test", "validation", None]
    assert leaked_rows(duplicates, splits, "test", ["train"]) == [1]
    assert leaked_rows(duplicates, splits, "test", ["train", "validation"]) == [1, 2]
    assert leaked_rows(duplicates, splits, "validation", ["train"]) == []
