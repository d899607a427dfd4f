"""The rows of a source as numbers: side, labels, words, and what is wrong with a text. No text is kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset
from tqdm.auto import tqdm

from bbc_classifier.data.broken_rows import MOST_CHARACTERS, NO_TEXT
from bbc_classifier.data.folding import words
from bbc_classifier.data.split import SIDES

# What stands for the sides where a source has no ready-made ones.
NO_SIDES = ("all",)
BATCH = 1_000
# Fewer rows are read before a bar is worth reading.
ROWS_WORTH_A_BAR = 10_000
# Control characters other than tab and line ends, and the mark that a decoder leaves where it failed.
BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")


@dataclass(frozen=True)
class Rows:
    """Every row of a source, in its order.

    Attributes:
        row_ids: Name of each row.
        sides: (rows,) the place of each row's side in `side_names`.
        side_names: The sides that have rows; `NO_SIDES` where the source has no ready-made split.
        labels: The indices of each row's labels; None where the label is missing.
        label_names: The label names, in the order of their indices.
        multi_label: Whether a row can have any number of labels.
        words: (rows,) number of words.
        blank: (rows,) whether the text is missing or holds nothing but spaces.
        broken: (rows,) whether the text holds a control or replacement character, or is longer than any article.
    """

    row_ids: list[str]
    sides: np.ndarray
    side_names: tuple[str, ...]
    labels: list[tuple[int, ...] | None]
    label_names: list[str]
    multi_label: bool
    words: np.ndarray
    blank: np.ndarray
    broken: np.ndarray

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def has_sides(self) -> bool:
        """Whether the source came with a ready-made split."""
        return self.side_names != NO_SIDES

    def names_of(self, row: int) -> list[str]:
        """Return a row's label names; none where the label is missing."""
        return [self.label_names[index] for index in self.labels[row] or ()]

    def with_label(self) -> list[np.ndarray]:
        """Return, per label, the numbers of the rows that have it."""
        members: list[list[int]] = [[] for _ in self.label_names]
        for row, labels in enumerate(self.labels):
            for index in labels or ():
                members[index].append(row)
        return [np.array(rows, dtype=np.int64) for rows in members]


def read_rows(table: Dataset) -> Rows:
    """Read a source's table, a batch of texts at a time."""
    feature = table.features["label"]
    multi_label = not isinstance(feature, ClassLabel)
    sides, side_names = _sides(table)
    count, blank, broken = (np.zeros(len(table), dtype) for dtype in (np.int32, bool, bool))
    for row, text in enumerate(texts_of(table, "reading")):
        count[row] = len(words(text))
        blank[row] = is_blank(text)
        broken[row] = BROKEN.search(text) is not None or len(text) > MOST_CHARACTERS
    return Rows(
        row_ids=list(_column(table, "row_id")),
        sides=sides,
        side_names=side_names,
        labels=_labels(table),
        label_names=list((feature.feature if multi_label else feature).names),
        multi_label=multi_label,
        words=count,
        blank=blank,
        broken=broken,
    )


def is_blank(text: str) -> bool:
    """Whether a text holds nothing but spaces, or only what programs write where there is nothing."""
    written = text.strip()
    return not written or written in NO_TEXT


def texts_of(table: Dataset, doing: str) -> Iterator[str]:
    """Yield the text of each row, "" where it is missing, behind a bar that says what is being done."""
    for batch in batches_of_texts(table, doing):
        yield from batch


def batches_of_texts(table: Dataset, doing: str) -> Iterator[list[str]]:
    """Yield what `texts_of` yields, in lists of at most `BATCH`."""
    few = len(table) < ROWS_WORTH_A_BAR
    with tqdm(total=len(table), desc=doing, unit="row", disable=few, leave=False) as bar:
        for batch in _batches(table, "text"):
            yield [text or "" for text in batch]
            bar.update(len(batch))


def _batches(table: Dataset, name: str) -> Iterator[list[Any]]:
    for batch in table.select_columns(name).with_format("arrow").iter(BATCH):
        yield batch[name].to_pylist()


def _column(table: Dataset, name: str) -> Iterator[Any]:
    for batch in _batches(table, name):
        yield from batch


def _sides(table: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    if "side" not in table.column_names:
        return np.zeros(len(table), np.int8), NO_SIDES
    places = np.fromiter((SIDES.index(side) for side in _column(table, "side")), np.int8, len(table))
    present, sides = np.unique(places, return_inverse=True)
    return sides.astype(np.int8), tuple(SIDES[place] for place in present)


def _labels(table: Dataset) -> list[tuple[int, ...] | None]:
    """Return the label indices of each row; equal ones are one object, for there may be a million rows."""
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    labels: list[tuple[int, ...] | None] = []
    for value in _column(table, "label"):
        several = value if value is None or isinstance(value, list) else [value]
        indices = None if several is None else tuple(sorted(set(several)))
        labels.append(None if indices is None else shared.setdefault(indices, indices))
    return labels
