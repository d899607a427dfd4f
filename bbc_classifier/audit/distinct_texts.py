"""Which rows hold one text, and which texts are nearly one: the duplicates of `data`, as numbers."""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from bbc_classifier.audit.rows import Rows, is_blank, texts_of
from bbc_classifier.data.duplicates import Duplicates, find_duplicates


@dataclass(frozen=True)
class DistinctTexts:
    """The distinct texts of a source, numbered; a blank row holds none.

    Attributes:
        of_row: (rows,) number of each row's text, -1 for a blank row.
        first: (texts,) the row that stands for each text: of its rows, the first one of the first side.
        groups: Group key of each row that is not blank, in order, as the split uses it.
        near: (pairs, 2) texts that are near duplicates, None where they were not looked for.
        jaccard: (pairs,) their Jaccard similarities.
    """

    of_row: np.ndarray
    first: np.ndarray
    groups: list[str]
    near: np.ndarray | None
    jaccard: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def pairs(self) -> np.ndarray:
        """(pairs, 2) the near duplicates, of which there are none where they were not looked for."""
        return np.zeros((0, 2), np.int64) if self.near is None else self.near

    def sizes(self) -> np.ndarray:
        """Return (texts,) how many rows hold each text."""
        return np.bincount(self.of_row[self.of_row >= 0], minlength=len(self))

    def rows_by_text(self) -> dict[int, list[int]]:
        """Return the rows of every text that more than one row holds, the one that stands for it first."""
        repeated = self.sizes() > 1
        members: dict[int, list[int]] = {text: [int(self.first[text])] for text in np.flatnonzero(repeated).tolist()}
        for row in np.flatnonzero((self.of_row >= 0) & repeated[self.of_row]).tolist():
            text = int(self.of_row[row])
            if row != self.first[text]:
                members[text].append(row)
        return members


def find_distinct_texts(table: Dataset, rows: Rows, *, near: bool) -> DistinctTexts:
    """Number the texts of a table and find their duplicates, near ones too if asked."""
    written = (text for text in texts_of(table, "exact duplicates") if not is_blank(text))
    return number_texts(find_duplicates(written, near=near), rows, near=near)


def number_texts(duplicates: Duplicates, rows: Rows, *, near: bool) -> DistinctTexts:
    """Return the duplicates among the rows that are not blank, as numbers."""
    number: dict[str, int] = {}
    of_row = np.full(len(rows), -1, np.int64)
    of_row[~rows.blank] = [number.setdefault(key, len(number)) for key in duplicates.keys]
    ordered = np.lexsort((np.arange(len(rows)), rows.sides))
    ordered = ordered[of_row[ordered] >= 0]
    _, places = np.unique(of_row[ordered], return_index=True)
    pairs = sorted((*sorted((number[pair.first], number[pair.second])), pair.jaccard) for pair in duplicates.near)
    return DistinctTexts(
        of_row=of_row,
        first=ordered[places],
        groups=duplicates.groups(),
        near=np.array([pair[:2] for pair in pairs], np.int64).reshape(-1, 2) if near else None,
        jaccard=np.array([pair[2] for pair in pairs]),
    )
