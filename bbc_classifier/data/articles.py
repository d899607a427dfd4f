"""From a source to the articles each side may use: read, drop exact duplicates, split by group."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from bbc_classifier.data.duplicates import Distinct, drop_exact_duplicates
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.data.split import Split, fold_rows, split_rows
from bbc_classifier.errors import InputError


@dataclass(frozen=True)
class Articles:
    """The distinct articles of a source and the side each is on.

    Attributes:
        table: `row_id`, `text`, `label` of every distinct article.
        split: The row ids of each side.
        dropped: Row id of each dropped duplicate, mapped to the one kept.
        provenance: What the source says of itself.
    """

    table: Dataset
    split: Split
    dropped: dict[str, str]
    provenance: dict[str, Any]

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        return list(self.table.features["label"].names)

    def side(self, name: str) -> Dataset:
        """Return the rows of "train", "validation" or "test". Only evaluation asks for "test"."""
        row_of = {row_id: row for row, row_id in enumerate(self.table["row_id"][:])}
        return self.table.select([row_of[row_id] for row_id in getattr(self.split, name)])

    def counts(self) -> dict[str, Any]:
        """Return the numbers of rows read, kept and dropped, and the labels on each side."""
        label_of = dict(zip(self.table["row_id"][:], self.table["label"][:], strict=True))
        names = self.label_names
        return {
            "rows": len(self.table) + len(self.dropped),
            "distinct": len(self.table),
            "exact_duplicates_dropped": len(self.dropped),
            "sides": {
                side: dict(sorted(Counter(names[label_of[row_id]] for row_id in getattr(self.split, side)).items()))
                for side in ("train", "validation", "test")
            },
        }


def load_articles(options: DataArguments) -> Articles:
    """Read the source, drop exact duplicates and split what is left.

    Raises:
        InputError: The data set is unknown or not installed, or cannot be split as asked.
    """
    _check_folds(options)
    source = open_source(options.dataset)
    distinct = drop_exact_duplicates(source.read())
    return Articles(distinct.table, _split(distinct, options), distinct.dropped, source.provenance())


def _check_folds(options: DataArguments) -> None:
    """Refuse half a pair of options before anything is read."""
    if options.folds is None and options.fold is None:
        return
    if options.folds is None or options.fold is None or not 0 <= options.fold < options.folds:
        raise InputError("--folds K and --fold I go together, with I from 0 to K - 1")


def _split(distinct: Distinct, options: DataArguments) -> Split:
    names = distinct.table.features["label"].names
    labels = [names[index] for index in distinct.table["label"][:]]
    rows = distinct.table["row_id"][:], distinct.groups, labels
    if options.folds is None or options.fold is None:
        return split_rows(
            *rows,
            validation_fraction=options.validation_fraction,
            test_fraction=options.test_fraction,
            seed=options.split_seed,
        )
    splits = fold_rows(
        *rows, folds=options.folds, validation_fraction=options.validation_fraction, seed=options.split_seed
    )
    return splits[options.fold]
