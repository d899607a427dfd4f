"""Letters say exactly what the tests said: a shared one means not told apart."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.comparison.letters import compact_letters

NAMES = list("ABCDEFG")


def test_cases_done_by_hand():
    assert compact_letters(["A", "B", "C"], []) == {"A": "a", "B": "a", "C": "a"}
    assert compact_letters(["A", "B", "C"], [("A", "C")]) == {"A": "a", "B": "ab", "C": "b"}
    everything = list(combinations("ABC", 2))
    assert compact_letters(["A", "B", "C"], everything) == {"A": "a", "B": "b", "C": "c"}
    assert compact_letters(["A"], []) == {"A": "a"} and compact_letters([], []) == {}


def test_more_groups_than_letters():
    names = [f"model {number:02}" for number in range(30)]
    letters = compact_letters(names, list(combinations(names, 2)))
    assert (letters["model 00"], letters["model 25"], letters["model 26"], letters["model 29"]) == (
        "a",
        "z",
        "a1",
        "d1",
    )


@settings(deadline=None)
@given(st.sets(st.sampled_from(list(combinations(NAMES, 2)))), st.permutations(NAMES))
def test_two_share_a_letter_exactly_where_they_are_not_different(different, ranked):
    letters = compact_letters(ranked, sorted(different))
    for one, other in combinations(NAMES, 2):
        assert bool(set(letters[one]) & set(letters[other])) == ((one, other) not in different)
    assert letters[ranked[0]][0] == "a"


@settings(deadline=None)
@given(st.sets(st.sampled_from(list(combinations(NAMES, 2)))))
def test_no_letter_is_superfluous(different):
    letters = compact_letters(NAMES, sorted(different))
    groups = [{name for name in NAMES if letter in letters[name]} for letter in sorted(set("".join(letters.values())))]
    assert not any(one <= other for one in groups for other in groups if one is not other)
