"""Exact duplicates: the same article under two row ids, which a random split would put on both sides."""

import hashlib
import re
from dataclasses import dataclass

from datasets import Dataset

from bbc_classifier.errors import InputError

NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Distinct:
    """What is left of a table after its exact duplicates are dropped.

    Attributes:
        table: The rows kept, the first of each group in the source's order.
        groups: One group key per kept row: rows with the same key must stay on one side of every split.
        dropped: Row id of each dropped row, mapped to the row id that was kept in its place.
    """

    table: Dataset
    groups: list[str]
    dropped: dict[str, str]


def fold(text: str) -> str:
    """Return `text` with case folded away and everything but letters and digits dropped.

    >>> fold("It's 5-nil!")
    'its5nil'
    """
    return NEITHER_LETTER_NOR_DIGIT.sub("", text.casefold())


def group_key(text: str) -> str:
    """Return a key that is equal for two texts exactly when their folded forms are (SHA-256, 16 hex digits)."""
    return hashlib.sha256(fold(text).encode("utf-8")).hexdigest()[:16]


def drop_exact_duplicates(table: Dataset) -> Distinct:
    """Keep the first row of each group of exact duplicates.

    Raises:
        InputError: Two copies of one text carry different labels.
    """
    keys = [group_key(text) for text in table["text"][:]]
    row_ids, labels = table["row_id"][:], table["label"][:]
    first: dict[str, int] = {}
    dropped: dict[str, str] = {}
    for row, key in enumerate(keys):
        kept = first.setdefault(key, row)
        if kept == row:
            continue
        if labels[kept] != labels[row]:
            raise InputError(f"rows '{row_ids[kept]}' and '{row_ids[row]}' have the same text but different labels")
        dropped[row_ids[row]] = row_ids[kept]
    kept_rows = list(first.values())
    return Distinct(table.select(kept_rows), [keys[row] for row in kept_rows], dropped)
