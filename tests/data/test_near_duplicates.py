"""Near duplicates: every pair at or above the threshold, no pair below it, in any order and any script."""

import string
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.duplicates import Duplicates, NearDuplicates
from bbc_classifier.data.folding import words
from bbc_classifier.data.near_duplicates import (
    MISSED,
    MOST_PARTNERS,
    ROWS_PER_BAND,
    bands_for,
    jaccard,
    near_duplicate_pairs,
    shingle_hashes,
)

QUICK = settings(max_examples=60, deadline=None)
LETTERS = string.ascii_lowercase
# Few words, so that random texts share shingles; each text is a piece of one sequence with a few words changed.
SEQUENCE = [f"w{index % 40}" for index in range(60)]


def letters(first: int, last: int) -> str:
    """Return the letters from one place to another, a word each."""
    return " ".join(LETTERS[first:last])


def shingles(text: str) -> set[tuple[str, ...]]:
    cut = words(text)
    return {tuple(cut[start : start + 5]) for start in range(max(1, len(cut) - 4))} if cut else set()


def by_brute_force(texts: list[str], threshold: float = 0.8) -> list[tuple[int, int, float]]:
    sets = [shingles(text) for text in texts]
    pairs = []
    for one, other in combinations(range(len(texts)), 2):
        union = len(sets[one] | sets[other])
        if sets[one] and sets[other] and len(sets[one] & sets[other]) / union >= threshold:
            pairs.append((one, other, len(sets[one] & sets[other]) / union))
    return pairs


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # 26 letters make 22 shingles; without the last one there are 21, all common.
        (letters(0, 26), letters(0, 25), 21 / 22),
        # 8 words make 4 shingles and 9 make 5: exactly the threshold, which counts.
        (letters(0, 8), letters(0, 9), 4 / 5),
        # 3 of 4: below it.
        (letters(0, 7), letters(0, 8), None),
        # One changed word at the end of 26 spoils one shingle of each: 21 of 23.
        (letters(0, 26), f"{letters(0, 25)} other", 21 / 23),
        # In the middle it spoils five of each: 17 of 27.
        (letters(0, 26), f"{letters(0, 12)} other {letters(13, 26)}", None),
        # A sentence said twice has each shingle once, but for the four that bridge both: 22 of 26.
        (letters(0, 26), f"{letters(0, 26)} {letters(0, 26)}", 22 / 26),
        # Case, punctuation and line breaks do not count.
        (letters(0, 26), letters(0, 26).upper().replace(" ", ", "), 1.0),
    ],
)
def test_the_similarity_is_the_share_of_common_shingles(one, other, expected):
    assert near_duplicate_pairs([one, other]) == ([] if expected is None else [(0, 1, expected)])


def test_the_order_of_the_words_counts():
    assert near_duplicate_pairs([letters(0, 20), " ".join(reversed(letters(0, 20).split()))]) == []


@pytest.mark.parametrize("one", ["a b c d", "goal", "a b c d e"])
def test_a_text_of_at_most_five_words_is_like_its_equal_only(one):
    assert near_duplicate_pairs([one, one.upper(), f"{one} z", "z"]) == [(0, 1, 1.0)]


def test_texts_without_words_are_nobodys_duplicates():
    assert near_duplicate_pairs(["", " ", "goal", ""]) == []
    assert near_duplicate_pairs([]) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "राम की किताब और श्याम का घर बहुत पुराना है लेकिन वे दोनों आज भी यहाँ रहते हैं",
        "قال الوزير إن الحكومة سوف تناقش الميزانية الجديدة في البرلمان يوم الأحد المقبل مساء",
        "中国队在昨天晚上的决赛中以三比一战胜对手夺得冠军",
        "東京の株式市場は金曜日に大きく値を下げて取引を終えた",
        "นายกรัฐมนตรีกล่าวว่ารัฐบาลจะลดภาษีในปีหน้า",
    ],
    ids=["Hindi", "Arabic", "Chinese", "Japanese", "Thai"],
)
def test_other_scripts_have_words_and_near_duplicates_too(sentence):
    pieces = words(sentence)
    changed = f"{' '.join(pieces[:-1])} x"
    count = len(pieces) - 4
    (pair,) = near_duplicate_pairs([sentence, "x", changed])
    assert pair == (0, 2, (count - 1) / (count + 1))


def test_a_vowel_sign_makes_another_word():
    assert near_duplicate_pairs(["की " * 6, "का " * 6]) == []


changes = st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["x", "y", "w3"])), max_size=3)


@st.composite
def corpora(draw: st.DrawFn) -> list[str]:
    """Draw up to ten texts: pieces of one sequence, with a few words changed."""
    texts = []
    for _ in range(draw(st.integers(0, 10))):
        piece = dict(enumerate(SEQUENCE[: draw(st.sampled_from([0, 3, 5, 9, 30, 58, 60]))]))
        piece |= {place: word for place, word in draw(changes) if place in piece}
        texts.append(" ".join(piece.values()))
    return texts


@QUICK
@given(corpora(), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_pairs_are_those_that_comparing_all_with_all_finds(texts, threshold):
    assert near_duplicate_pairs(texts, threshold) == by_brute_force(texts, threshold)


@QUICK
@given(corpora(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing_but_the_numbers(texts, random):
    places = random.sample(range(len(texts)), len(texts))
    there = near_duplicate_pairs([texts[place] for place in places])
    back = [(*sorted((places[one], places[other])), similarity) for one, other, similarity in there]
    assert sorted(back) == near_duplicate_pairs(texts)


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_the_bands_miss_a_pair_at_the_threshold_less_often_than_promised_and_are_not_wasted(threshold):
    def miss(bands: int) -> float:
        return (1 - threshold**ROWS_PER_BAND) ** bands

    assert miss(bands_for(threshold)) <= MISSED
    assert bands_for(threshold) == 2 or miss(bands_for(threshold) - 1) > MISSED


def test_a_pair_at_four_fifths_is_missed_less_than_once_in_a_hundred_thousand():
    assert bands_for(0.8) == 22 and ROWS_PER_BAND == 4
    assert pytest.approx(9.2e-6, rel=0.01) == (1 - 0.8**4) ** 22


def test_shingles_of_equal_words_in_another_order_have_other_hashes():
    hashes = np.random.default_rng(0).integers(0, 2**64, 400, dtype=np.uint64)
    assert len(shingle_hashes(hashes)) == 396
    assert len(shingle_hashes(hashes[:0])) == 0
    assert not set(shingle_hashes(hashes[:5]).tolist()) & set(shingle_hashes(hashes[4::-1]).tolist())


def test_the_jaccard_similarity_of_two_sets():
    assert jaccard(np.array([1, 2, 3, 4]), np.array([3, 4, 5])) == 2 / 5


def test_of_texts_filled_into_one_form_enough_pairs_are_listed_to_hold_them_together():
    form = " ".join(f"w{number}" for number in range(120))
    texts = [f"{form} number {number}" for number in range(3 * MOST_PARTNERS)]
    pairs = near_duplicate_pairs([*texts, "something else altogether that is no form"])
    partners = Counter(row for _, row, _ in pairs)
    assert max(partners.values()) == MOST_PARTNERS
    assert len(pairs) < len(texts) * MOST_PARTNERS
    groups = Duplicates(
        [str(row) for row in range(len(texts) + 1)],
        [NearDuplicates(str(one), str(other), similarity) for one, other, similarity in pairs],
    ).groups()
    assert len(set(groups[:-1])) == 1 and len(set(groups)) == 2
