"""Compact letters: configurations that share one are not told apart by the tests."""

from collections.abc import Sequence
from string import ascii_lowercase


def compact_letters(ranked: Sequence[str], different: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the letters of each name, so that two names share a letter exactly where they are not found different.

    Insert and absorb (H.-P. Piepho, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons",
    Journal of Computational and Graphical Statistics, 2004). Letters are given in the order of `ranked`: "a" is the
    group of the best.

    Args:
        ranked: The names, best first.
        different: Pairs of names that were found different.
    """
    groups = [frozenset(ranked)]
    for one, other in different:
        split = [group for group in groups if {one, other} <= group]
        groups = [group for group in groups if group not in split]
        for group in split:
            groups += [group - {one}, group - {other}]
        groups = _without_subsets(groups)
    place = {name: number for number, name in enumerate(ranked)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    return {name: "".join(_letter(n) for n, group in enumerate(groups) if name in group) for name in ranked}


def _without_subsets(groups: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return the groups that are not part of another, each once."""
    distinct = list(dict.fromkeys(groups))
    return [group for group in distinct if not any(group < other for other in distinct)]


def _letter(number: int) -> str:
    """Return a, b, … z, then a1, b1, … ."""
    turn, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn) if turn else "")
