"""Copies: rows with one text and one label, of which one is enough; and rows with one text that disagree."""

from collections import Counter
from collections.abc import Sequence

from bbc_classifier.data.duplicates import Duplicates

LabelSet = tuple[str, ...]


def first_copies(
    row_ids: Sequence[str], labels: Sequence[LabelSet], duplicates: Duplicates
) -> tuple[list[int], dict[str, str]]:
    """Return the first row of each text and label, and the id of each other row, mapped to the id kept in its place.

    A copy with another label is no copy: which of the two is right, the rows cannot tell. They share a group.
    """
    first: dict[tuple[str, LabelSet], int] = {}
    dropped: dict[str, str] = {}
    for row, content in enumerate(zip(duplicates.keys, labels, strict=True)):
        kept = first.setdefault(content, row)
        if kept != row:
            dropped[row_ids[row]] = row_ids[kept]
    return list(first.values()), dropped


def conflicting_texts(labels: Sequence[LabelSet], duplicates: Duplicates) -> int:
    """Return how many texts stand in the data with more than one label, or set of labels."""
    different = {*zip(duplicates.keys, labels, strict=True)}
    return sum(count > 1 for count in Counter(key for key, _ in different).values())
