"""Labeled texts from the embedded BBC News, files, class directories, the Hub or memory, as a `DatasetDict`."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import DataArguments
from bbc_classifier.data.duplicates import conflicting_groups, find_duplicates, leaked_rows
from bbc_classifier.data.labels import (
    alike_names,
    detect_columns,
    join_texts,
    map_labels,
    rare_labels,
    read_label_map,
    read_labels,
    sorted_names,
)
from bbc_classifier.data.sources import BBC_NEWS, FORMATS, find_files, open_memory, open_source, read_table, short_names
from bbc_classifier.data.splits import SPLITS, make_splits, sample_rows, split_fingerprint, validate_trainable
from bbc_classifier.errors import UserError

__all__ = [
    "FORMATS",
    "SPLITS",
    "LoadedData",
    "RawData",
    "find_files",
    "labels_to_array",
    "load_data",
    "load_splits",
    "read_rows",
    "read_table",
    "short_names",
]

logger = logging.getLogger(__name__)

# Below 50 test rows, the 95 % interval of an accuracy of 0.9 is wider than 16 points.
FEW_TEST_ROWS = 50


@dataclass(frozen=True)
class RawData:
    """Every row of a data set as it is, invalid rows included.

    Attributes:
        frame: Columns `row_id` (unique), `text` (None if missing), `label` (tuple of label names, None if missing) and
            `split` (predefined split, None where there is none).
        multi_label: Whether a row can have any number of labels.
        info: Name, files or revision, columns, terms and identity.
    """

    frame: pd.DataFrame
    multi_label: bool
    info: dict[str, Any]

    @property
    def label_names(self) -> list[str]:
        """The label names, in alphabetical order, or by number if all are numbers."""
        return sorted_names(name for row in self.frame["label"] if row is not None for name in row)

    @property
    def predefined_splits(self) -> list[str] | None:
        """The split of each row, or None where there are only training rows, which are ours to split."""
        splits = self.frame["split"].tolist()
        return splits if set(splits) - {None, "train"} else None


@dataclass(frozen=True)
class LoadedData:
    """A data set to train or evaluate with.

    Attributes:
        dataset: Splits with the columns `row_id`, `text` and `label`, a `ClassLabel` or a list of them.
        info: The record's `data` entry.
    """

    dataset: DatasetDict
    info: dict[str, Any]

    @property
    def multi_label(self) -> bool:
        """Whether a row can have any number of labels."""
        return not isinstance(self._label_feature, ClassLabel)

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        return list((self._label_feature.feature if self.multi_label else self._label_feature).names)

    @property
    def _label_feature(self) -> Any:
        return next(iter(self.dataset.values())).features["label"]


def load_data(dataset: Any = BBC_NEWS, **options: Any) -> DatasetDict:
    """Return the splits `train`, `validation` and `test` of a data set, without duplicates across splits.

    Args:
        dataset: Name, path, glob or Hub id, as `--dataset`; or data in memory, as `load_splits` takes it.
        options: Fields of `DataArguments`, such as `text_column="body"`.

    Raises:
        UserError: The data set or an option is not valid.
        EnvironmentFailure: The Hub cannot be reached.
    """
    if isinstance(dataset, (str, Path)):
        return load_splits(DataArguments(dataset=str(dataset), **options)).dataset
    return load_splits(DataArguments(**options), dataset).dataset


def load_splits(args: DataArguments, dataset: Any = None, split: str | None = None) -> LoadedData:
    """Return the splits to train with, or the rows to evaluate.

    Without predefined splits, exact duplicates are dropped (a text with other labels stays) and near duplicates stay in
    one split. Predefined splits stay as they are unless `drop_leaked_rows`; what is missing is cut from train.

    Args:
        args: Which data, columns, labels and split.
        dataset: Data in memory in place of `args.dataset`: Dataset, DatasetDict, DataFrame or (texts, labels).
        split: None for all splits. To evaluate, in `dataset["test"]`: "auto", the predefined test split or else every
            row; "test", the predefined test split or else one cut as for training; "all", every row.

    Raises:
        UserError: The data set or an option is not valid.
        EnvironmentFailure: The Hub cannot be reached.
    """
    raw = read_rows(args, dataset)
    frame, info = _valid_rows(raw, args)
    row_ids, texts, labels = (frame[name].tolist() for name in ("row_id", "text", "label"))
    predefined = frame["split"].tolist() if raw.predefined_splits else None
    info = {**raw.info, "num_rows": len(raw.frame), **info, "predefined_split": predefined is not None}
    tested = [row for row, name in enumerate(predefined or []) if name == "test"]
    if split in ("all", "auto") or (split == "test" and tested):
        rows = tested if tested and split != "all" else range(len(frame))
        splits = {"test": sample_rows(rows, row_ids, labels, args.max_eval_samples, args.split_seed)}
        return _loaded(frame, raw, splits, row_ids, info)
    duplicates = find_duplicates(texts, near=args.near_duplicates)
    groups, keep, dropped = duplicates.groups(), list(range(len(frame))), 0
    if predefined is None:
        first: dict[tuple[Any, ...], int] = {}
        for row, content in enumerate(zip(duplicates.hashes, labels, strict=True)):
            first.setdefault(content, row)
        keep = list(first.values())
        dropped = len(frame) - len(keep)
    elif args.drop_leaked_rows:
        leaked = {
            *leaked_rows(duplicates, predefined, "train", ("validation", "test")),
            *leaked_rows(duplicates, predefined, "validation", ("test",)),
        }
        keep = [row for row in keep if row not in leaked]
    kept_ids, kept_groups, kept_labels = ([column[row] for row in keep] for column in (row_ids, groups, labels))
    try:
        splits = make_splits(kept_ids, kept_groups, kept_labels, predefined and [predefined[row] for row in keep], args)
        validate_trainable(kept_ids, kept_labels, splits)
    except UserError as error:
        raise UserError(f"{raw.info['name']}: {error}") from error
    splits = {name: [keep[row] for row in rows] for name, rows in splits.items()}
    split_of_row = {row: name for name, rows in splits.items() for row in rows}
    names = [split_of_row.get(row) for row in range(len(frame))]
    info |= {
        "num_unique_texts": len(set(duplicates.hashes)),
        "exact_duplicates_dropped": dropped,
        "near_duplicate_pairs": len(duplicates.near) if args.near_duplicates else None,
        "groups": len(set(groups)),
        "conflicting_labels": len(conflicting_groups(duplicates.hashes, labels)),
        "leakage": {
            "validation": len(leaked_rows(duplicates, names, "validation", ("train",))),
            "test": len(leaked_rows(duplicates, names, "test", ("train", "validation"))),
        },
        "leaked_rows_dropped": len(frame) - len(keep) - dropped,
    }
    data = _loaded(frame, raw, splits, groups, info)
    _warn(data.info)
    return data


def read_rows(args: DataArguments, dataset: Any = None) -> RawData:
    """Return every row of a data set as it is: nothing is dropped, checked for duplicates or split.

    Args:
        args: Which data, columns and labels.
        dataset: Data in memory, as in `load_splits`.

    Raises:
        UserError: The data set, a file or a column is not valid.
        EnvironmentFailure: The Hub cannot be reached.
    """
    info, parts = open_source(args) if dataset is None else open_memory(dataset)
    first = parts[0]
    text_columns, label_columns = detect_columns(first.place, list(first.frame), args.text_column, args.label_column)
    kinds: dict[bool, str] = {}
    parsed: list[Any] = []
    frames = []
    for part in parts:
        detect_columns(part.place, list(part.frame), text_columns, label_columns)
        rows = read_labels(part.place, part.frame, label_columns, args.label_separator, cells=part.cells)
        kinds |= {isinstance(row, list): part.place for row in rows if row is not None}
        parsed += rows
        texts = join_texts(part.place, part.frame, text_columns, cells=part.cells)
        row_ids = part.row_ids or [f"{part.name}:{number}" for number in range(1, len(texts) + 1)]
        frames.append(pd.DataFrame({"row_id": row_ids, "text": texts, "split": part.split}, dtype=object))
    if len(kinds) > 1:
        raise UserError(
            f"{kinds[True]} has lists of labels and {kinds[False]} single ones; give all the same "
            "(--label_separator makes lists)"
        )
    frame = pd.concat(frames, ignore_index=True)
    frame["label"] = pd.Series(map_labels(parsed, read_label_map(args.label_map)), dtype=object)
    logger.info("columns %s: text from %s, label from %s", list(first.frame), text_columns, label_columns)
    identity = info.get("identity") or hashlib.sha256(json.dumps(frame.values.tolist()).encode()).hexdigest()
    columns = {"text": text_columns, "label": label_columns}
    raw = RawData(frame, True in kinds, {**info, "columns": columns, "identity": identity})
    for alike in alike_names(raw.label_names):
        logger.warning(
            "the labels '%s' differ only in spelling; --label_map '%s=%s' makes them one",
            "', '".join(alike), alike[1], alike[0],
        )  # fmt: skip
    return raw


def labels_to_array(column: Sequence[Any], label_names: Sequence[str], target_names: Sequence[str]) -> np.ndarray:
    """Return labels of a data set as the indices that a classifier uses.

    Args:
        column: The `label` column: an index into `label_names` per row, or a list of them.
        label_names: Label names of the data set.
        target_names: Label names of the classifier.

    Returns:
        (rows,) int64 indices into `target_names`; of multi-label data (rows, labels) bool.

    Raises:
        UserError: A row has a label that the classifier does not know.
    """
    index = {name: place for place, name in enumerate(target_names)}
    rows = list(column)
    used = {place for row in rows for place in (row if isinstance(row, list) else [row])}
    if unknown := [label_names[place] for place in sorted(used) if label_names[place] not in index]:
        raise UserError(
            f"the classifier has no label '{unknown[0]}', which the data has; it has {', '.join(target_names)} "
            "(--label_map renames labels)"
        )
    if not rows or not isinstance(rows[0], list):
        return np.array([index[label_names[row]] for row in rows], dtype=np.int64)
    array = np.zeros((len(rows), len(target_names)), dtype=bool)
    for number, row in enumerate(rows):
        array[number, [index[label_names[place]] for place in row]] = True
    return array


def _valid_rows(raw: RawData, args: DataArguments) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows with text and label, without rare labels if asked, and how many were left out."""
    frame, columns, name = raw.frame, raw.info["columns"], raw.info["name"]
    invalid = frame[frame["text"].isna() | frame["label"].isna()]
    if len(invalid):
        first = invalid.iloc[0]
        column = "text" if first["text"] is None else "label"
        problem = f"row '{first['row_id']}' has no {column} (column '{columns[column][0]}')"
        if len(invalid) == len(frame):
            raise UserError(f"{name}: no row has both text and label; {problem}")
        if not args.drop_invalid_rows:
            raise UserError(
                f"{name}: {problem}; {len(invalid)} of {len(frame)} rows are invalid; --drop_invalid_rows drops them"
            )
        logger.warning("%s: left out %d rows without text or label; the first: %s", name, len(invalid), problem)
    frame = frame.drop(index=invalid.index)
    rare = rare_labels(frame["label"], args.min_label_rows or 0)
    if rare:
        listed = ", ".join(f"'{label}' ({count})" for label, count in rare.items())
        logger.warning("%s: left out labels with fewer than %d rows: %s", name, args.min_label_rows, listed)
        remaining = [tuple(label for label in row if label not in rare) for row in frame["label"]]
        frame = frame.assign(label=pd.Series(remaining, index=frame.index, dtype=object))
        if not raw.multi_label:
            frame = frame[[bool(row) for row in remaining]]
    return frame.reset_index(drop=True), {"invalid_rows_dropped": len(invalid), "rare_labels_dropped": rare}


def _loaded(
    frame: pd.DataFrame, raw: RawData, splits: dict[str, list[int]], groups: Sequence[str], info: dict[str, Any]
) -> LoadedData:
    row_ids, labels = frame["row_id"].tolist(), frame["label"].tolist()
    names = sorted_names(name for row in labels for name in row)
    index = {name: place for place, name in enumerate(names)}
    label_feature = List(ClassLabel(names=names)) if raw.multi_label else ClassLabel(names=names)
    features = Features({"row_id": Value("string"), "text": Value("string"), "label": label_feature})
    tables = {}
    for split, rows in splits.items():
        indices = [[index[name] for name in labels[row]] for row in rows]
        columns = {
            "row_id": [row_ids[row] for row in rows],
            "text": frame["text"].iloc[rows].tolist(),
            "label": indices if raw.multi_label else [row[0] for row in indices],
        }
        tables[split] = Dataset.from_dict(columns, features=features)
    counts = {split: Counter(name for row in rows for name in labels[row]) for split, rows in splits.items()}
    info |= {
        "split_sizes": {split: len(rows) for split, rows in splits.items()},
        "label_counts": {split: dict(sorted(count.items())) for split, count in counts.items()},
        "split_fingerprint": split_fingerprint(row_ids, groups, labels, splits),
    }
    return LoadedData(DatasetDict(tables), info)


def _warn(info: dict[str, Any]) -> None:
    name, sizes, leaked = info["name"], info["split_sizes"], info["leakage"]["test"]
    if info["conflicting_labels"]:
        logger.warning("%s: %d texts occur with different labels", name, info["conflicting_labels"])
    if info["leaked_rows_dropped"]:
        logger.warning("%s: left out %d rows that also occur in a later split", name, info["leaked_rows_dropped"])
    if leaked and info["predefined_split"]:
        logger.warning(
            "%s: %d of %d test rows also occur in train or validation, so their scores are optimistic; "
            "--drop_leaked_rows leaves them out of train, and bbc-classifier audit lists them",
            name, leaked, sizes["test"],
        )  # fmt: skip
    if sizes["test"] < FEW_TEST_ROWS:
        logger.warning("%s: only %d test rows, so test metrics are rough; --folds tests every row", name, sizes["test"])
