"""From a source to the articles each side may use: read, check, find duplicates, split by group."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from datasets import Dataset

from bbc_classifier.data.broken_rows import broken_rows, refuse_broken_rows
from bbc_classifier.data.copies import conflicting_texts, first_copies
from bbc_classifier.data.duplicates import find_duplicates, text_key
from bbc_classifier.data.labelled_table import class_label, is_multi_label, label_sets, texts_of
from bbc_classifier.data.leaks import count_leaks, unleaked_rows
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.sample import sample_rows
from bbc_classifier.data.source import open_source
from bbc_classifier.data.split import SIDES, Split, complete_split, fold_rows, name_rows, split_rows
from bbc_classifier.data.trainable import check_trainable
from bbc_classifier.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Articles:
    """The articles that are used and the side each is on.

    Attributes:
        table: `row_id`, `text`, `label` of every article; the label is a `ClassLabel`, or a list of them.
        split: The row ids of each side.
        dropped: Row id of each exact duplicate that was dropped, mapped to the one kept.
        provenance: What the source says of itself.
        findings: Numbers of rows read and left out, of duplicates, conflicts and leaks.
    """

    table: Dataset
    split: Split
    dropped: dict[str, str]
    provenance: dict[str, Any]
    findings: dict[str, Any] = field(default_factory=dict)

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        return list(class_label(self.table).names)

    @property
    def multi_label(self) -> bool:
        """Whether a row has a list of labels."""
        return is_multi_label(self.table)

    def side(self, name: str) -> Dataset:
        """Return the rows of "train", "validation" or "test". Only evaluation asks for "test"."""
        row_of = {row_id: row for row, row_id in enumerate(self.table["row_id"][:])}
        return self.table.select([row_of[row_id] for row_id in getattr(self.split, name)])

    def without(self, row_ids: Collection[str]) -> "Articles":
        """Return the articles without some rows of the test side."""
        gone = set(row_ids)
        rows = [row for row, row_id in enumerate(self.table["row_id"][:]) if row_id not in gone]
        return replace(self, table=self.table.select(rows), split=self.split.without(gone))

    def seen_texts(self) -> list[str]:
        """Return the keys of the texts that train the classifier or choose its checkpoint, in ascending order."""
        chosen = {*self.split.train, *self.split.validation}
        texts = zip(self.table["row_id"][:], texts_of(self.table), strict=True)
        return sorted({text_key(text) for row_id, text in texts if row_id in chosen})

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each side."""
        return {side: len(getattr(self.split, side)) for side in SIDES}

    def counts(self) -> dict[str, Any]:
        """Return the numbers of rows read, kept and dropped, and the labels on each side."""
        names_of = dict(zip(self.table["row_id"][:], label_sets(self.table), strict=True))
        return {
            **self.findings,
            "sizes": self.sizes(),
            "sides": {
                side: dict(sorted(Counter(n for row_id in getattr(self.split, side) for n in names_of[row_id]).items()))
                for side in SIDES
            },
        }


@dataclass(frozen=True)
class _Rows:
    """What splitting needs to know of each row."""

    row_ids: list[str]
    groups: list[str]
    labels: list[tuple[str, ...]]

    def chosen(self, rows: Sequence[int]) -> "_Rows":
        return _Rows(
            [self.row_ids[row] for row in rows], [self.groups[row] for row in rows], [self.labels[row] for row in rows]
        )


def load_articles(options: DataArguments) -> Articles:
    """Read the source, refuse what is broken, drop exact duplicates and split what is left.

    Ready-made splits are kept as they are, duplicates and leaks included; `--remove_leaks` takes the rows out of train
    and validation that also stand in test. What is missing is cut from train.

    Raises:
        InputError: The data set is unknown or broken, or cannot be split as asked.
        WorldError: It cannot be reached or read.
    """
    _check_options(options)
    table, provenance, broken = _read(options)
    row_ids, labels = list(table["row_id"][:]), label_sets(table)
    duplicates = find_duplicates(texts_of(table), near=options.near_duplicates)
    sides = _ready_made_sides(table)
    keep = list(range(len(table)))
    dropped: dict[str, str] = {}
    if sides is None:
        keep, dropped = first_copies(row_ids, labels, duplicates)
    elif options.remove_leaks:
        keep = unleaked_rows(duplicates, sides)
    groups = duplicates.groups()
    try:
        split = _split(_Rows(row_ids, groups, labels).chosen(keep), sides and [sides[row] for row in keep], options)
        check_trainable(split, dict(zip(row_ids, labels, strict=True)))
    except InputError as error:
        raise InputError(f"{provenance['name']}: {error}") from error
    findings = {
        "rows": len(table) + broken,
        "broken_rows_dropped": broken,
        "distinct": len(set(duplicates.keys)),
        "exact_duplicates_dropped": len(dropped),
        "near_duplicate_pairs": len(duplicates.near) if options.near_duplicates else None,
        "groups": len(set(groups)),
        "conflicting_texts": conflicting_texts(labels, duplicates),
        "ready_made_split": sides is not None,
        "leaks": count_leaks(duplicates, _sides(split, row_ids)),
        "leaks_removed": len(table) - len(keep) - len(dropped),
    }
    articles = Articles(_on_a_side(table, split), split, dropped, provenance, findings)
    _warn(articles)
    return articles


def load_test_articles(options: DataArguments, *, every_row: bool = False) -> Articles:
    """Return articles that are all on the test side: those of a ready-made one, or else every row of the source.

    Nothing is dropped and nothing is cut: what is evaluated is the data as it is.

    Args:
        options: The data.
        every_row: Take every row even where there is a ready-made test side.

    Raises:
        InputError: The data set is unknown or broken.
        WorldError: It cannot be reached or read.
    """
    table, provenance, broken = _read(options)
    sides = _ready_made_sides(table) or []
    rows = [row for row, side in enumerate(sides) if side == "test" and not every_row] or range(len(table))
    row_ids, labels = list(table["row_id"][:]), label_sets(table)
    rows = sample_rows(rows, row_ids, labels, options.max_eval_samples, options.split_seed)
    kept = table.select(rows).select_columns(["row_id", "text", "label"])
    names = {"train": [], "validation": [], "test": list(range(len(rows)))}
    split = name_rows(kept["row_id"][:], kept["row_id"][:], label_sets(kept), names, options.split_seed)
    return Articles(kept, split, {}, provenance, {"rows": len(table) + broken, "broken_rows_dropped": broken})


def _read(options: DataArguments) -> tuple[Dataset, dict[str, Any], int]:
    """Return the source's rows without the broken ones, its provenance, and how many were broken."""
    source = open_source(options)
    table = source.read()
    provenance = source.provenance()
    broken = broken_rows(table)
    if not options.drop_broken_rows:
        refuse_broken_rows(broken, provenance.get("columns") or {})
    left_out = {row.row for row in broken}
    if len(left_out) == len(table):
        raise InputError(f"{source.name}: every row is broken; the first, '{broken[0].row_id}', {broken[0].reason}")
    if broken:
        table = table.select([row for row in range(len(table)) if row not in left_out])
        logger.warning("%s: left out %d broken rows, '%s' first", source.name, len(broken), broken[0].row_id)
    return table, provenance, len(broken)


def _ready_made_sides(table: Dataset) -> list[str] | None:
    """Return the side of each row, or None where there is nothing but train: then all splitting is ours."""
    if "side" not in table.column_names:
        return None
    sides = list(table["side"][:])
    return sides if set(sides) != {"train"} else None


def _split(rows: _Rows, sides: list[str] | None, options: DataArguments) -> Split:
    table, seed = (rows.row_ids, rows.groups, rows.labels), options.split_seed
    validation, test = options.validation_fraction, options.test_fraction
    if options.folds is not None and options.fold is not None:
        if sides is not None:
            raise InputError("--folds cuts all rows anew, but this data has ready-made splits; give one of the two")
        split = fold_rows(*table, folds=options.folds, validation_fraction=validation, seed=seed)[options.fold]
    elif sides is None:
        split = split_rows(*table, validation_fraction=validation, test_fraction=test, seed=seed)
    else:
        split = complete_split(*table, sides, validation_fraction=validation, test_fraction=test, seed=seed)
    return _sampled(rows, split, options)


def _sampled(rows: _Rows, split: Split, options: DataArguments) -> Split:
    """Return the split with at most as many rows on each side as the options allow."""
    if options.max_train_samples is None and options.max_eval_samples is None:
        return split
    row_of = {row_id: row for row, row_id in enumerate(rows.row_ids)}
    most = {side: options.max_train_samples if side == "train" else options.max_eval_samples for side in SIDES}
    members = {side: [row_of[row_id] for row_id in getattr(split, side)] for side in SIDES}
    sides = {
        side: sample_rows(members[side], rows.row_ids, rows.labels, most[side], options.split_seed) for side in SIDES
    }
    return name_rows(rows.row_ids, rows.groups, rows.labels, sides, options.split_seed)


def _sides(split: Split, row_ids: Sequence[str]) -> list[str | None]:
    """Return the side of each row, None for a row that was left out."""
    side_of = {row_id: side for side in SIDES for row_id in getattr(split, side)}
    return [side_of.get(row_id) for row_id in row_ids]


def _on_a_side(table: Dataset, split: Split) -> Dataset:
    sides = _sides(split, table["row_id"][:])
    return table.select_columns(["row_id", "text", "label"]).select([row for row, side in enumerate(sides) if side])


def _check_options(options: DataArguments) -> None:
    """Refuse what cannot be meant before anything is read."""
    for name in ("max_train_samples", "max_eval_samples"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"--{name} must be at least 1, not {value}")
    if options.folds is None and options.fold is None:
        return
    if options.folds is None or options.fold is None or not 0 <= options.fold < options.folds:
        raise InputError("--folds K and --fold I go together, with I from 0 to K - 1")


def _warn(articles: Articles) -> None:
    findings, name = articles.findings, articles.provenance["name"]
    if findings["conflicting_texts"]:
        logger.warning("%s: texts with more than one label: %d", name, findings["conflicting_texts"])
    if findings["leaks_removed"]:
        logger.warning(
            "%s: left out %d rows of train and validation that also stand on a later side",
            name,
            findings["leaks_removed"],
        )
    if findings["leaks"]["test"] and findings["ready_made_split"]:
        share = findings["leaks"]["test"] / max(1, articles.sizes()["test"])
        logger.warning(
            "%s: %d test rows (%.1f %%) also stand in train or validation, so their figures flatter; "
            "--remove_leaks leaves them out of train, and bbc-classifier audit lists them",
            name,
            findings["leaks"]["test"],
            100 * share,
        )
