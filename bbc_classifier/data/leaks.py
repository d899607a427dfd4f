"""Leaks: rows of one side whose text, or nearly their text, also stands on another."""

from collections.abc import Collection, Sequence

from bbc_classifier.data.duplicates import Duplicates


def leaked_rows(duplicates: Duplicates, sides: Sequence[str | None], side: str, others: Collection[str]) -> list[int]:
    """Return the rows of `side` that have an exact or near duplicate on one of the sides `others`.

    Args:
        duplicates: The duplicates among all rows.
        sides: The side of each row, None for a row on no side.
        side: The side whose rows are looked at.
        others: The sides they are looked for on.
    """
    there = {key for key, other in zip(duplicates.keys, sides, strict=True) if other in others}
    partners = duplicates.partners()
    return [
        row
        for row, (key, own) in enumerate(zip(duplicates.keys, sides, strict=True))
        if own == side and (key in there or not there.isdisjoint(partners.get(key, ())))
    ]


def unleaked_rows(duplicates: Duplicates, sides: Sequence[str]) -> list[int]:
    """Return the rows that do not also stand on a later side: test stays whole, then validation, then train."""
    gone = {
        *leaked_rows(duplicates, sides, "train", {"validation", "test"}),
        *leaked_rows(duplicates, sides, "validation", {"test"}),
    }
    return [row for row in range(len(sides)) if row not in gone]


def count_leaks(duplicates: Duplicates, sides: Sequence[str | None]) -> dict[str, int]:
    """Return how many validation and test rows also stand on a side that comes before theirs."""
    return {
        "validation": len(leaked_rows(duplicates, sides, "validation", {"train"})),
        "test": len(leaked_rows(duplicates, sides, "test", {"train", "validation"})),
    }
