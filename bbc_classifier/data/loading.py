"""Labeled texts from the embedded BBC News, files, class directories, the Hub or memory, as a `DatasetDict`."""

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import DataArguments
from bbc_classifier.data.duplicates import Duplicates, find_duplicates, leaked_rows
from bbc_classifier.data.labels import find_columns, join_texts, map_labels, rare_labels, read_labels, sorted_names
from bbc_classifier.data.sources import BBC_NEWS, open_memory, open_source
from bbc_classifier.data.splits import make_splits, sample_rows, split_fingerprint, validate_trainable
from bbc_classifier.errors import UserError

logger = logging.getLogger(__name__)

# Below 50 rows, the 95 % interval of an accuracy of 0.9 is wider than 16 points.
FEW_ROWS = 50
# Below so many training texts of a label, the recipe `few` was more accurate (EXPERIMENTS.md).
FEW_TEXTS_PER_LABEL = 32
# People classify headlines and openings too, on which a classifier trained on whole texts is worse.
EXCERPT_WORDS = 30
# A first line is a title if it is short, more text follows, and that is so in nearly all texts.
MAX_TITLE_WORDS = 20
MIN_TITLE_SHARE = 0.9
SENTENCE_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["'”’)\]]))\s+(?=["'“‘(\[]?[A-Z0-9])|\n\s*\n""")


@dataclass(frozen=True)
class RawData:
    """Every row of a data set as it is, invalid rows included.

    `frame` has `row_id`, `text`, `label` (a tuple of names) and the predefined `split`, each None if missing; `info`
    has name, files or revision, columns, terms and identity.
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
    """A data set to train or evaluate with."""

    dataset: DatasetDict  # splits with the columns `row_id`, `text` and `label`, a `ClassLabel` or a list of them
    info: dict[str, Any]  # the record's `data` entry

    @property
    def multi_label(self) -> bool:
        """Whether a row can have any number of labels."""
        return isinstance(self.dataset["test"].features["label"], List)

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        feature = self.dataset["test"].features["label"]
        return list(getattr(feature, "feature", feature).names)


def load_data(dataset: Any = BBC_NEWS, **options: Any) -> DatasetDict:
    """Return the splits `train`, `validation` and `test` of a data set; see `load_splits` for what is dropped.

    `dataset` is a name, path, glob or Hub id, as `--dataset`, or data in memory, as `load_splits` takes it. `options`
    are fields of `DataArguments`, such as `text_column="body"`.
    """
    if isinstance(dataset, (str, Path)):
        return load_splits(DataArguments(dataset=str(dataset), **options)).dataset
    return load_splits(DataArguments(**options), dataset).dataset


def load_splits(args: DataArguments, dataset: Any = None, split: str | None = None) -> LoadedData:
    """Return the splits to train with, or the rows to evaluate.

    Without predefined splits, exact duplicates are dropped (a text with other labels stays) and near duplicates stay in
    one split. Predefined splits stay as they are unless `drop_leaked_rows`; what is missing is cut from train.

    Args:
        args: Which data, columns, labels and split; UserError if they are not valid.
        dataset: Data in memory in place of `args.dataset`: Dataset, DatasetDict, DataFrame, (texts, labels), or what
            this function returned for the same options.
        split: None for all splits. To evaluate, in `dataset["test"]`: "auto", the predefined test split or else every
            row; "test", the predefined test split or else one cut as for training; "all", every row.
    """
    if isinstance(dataset, LoadedData):
        return dataset
    raw = read_rows(args, dataset)
    name, predefined = raw.info["name"], raw.predefined_splits is not None
    frame, dropped = _valid_rows(raw, args)
    info = {**raw.info, "num_rows": len(raw.frame), **dropped, "predefined_split": predefined}
    row_ids, labels = frame["row_id"].tolist(), frame["label"].tolist()
    tested = frame.index[frame["split"] == "test"].tolist()
    if split in ("all", "auto") or (split == "test" and tested):
        rows = tested if tested and split != "all" else range(len(frame))
        rows = sample_rows(rows, row_ids, labels, args.max_eval_samples, args.split_seed)
        return _loaded(frame.assign(group=row_ids), {"test": rows}, raw.multi_label, info)
    duplicates = find_duplicates(frame["text"].tolist(), near=args.near_duplicates)
    frame = frame.assign(hash=duplicates.hashes, group=duplicates.groups())
    is_copy, is_leaked = frame.duplicated(["hash", "label"]) & (not predefined), pd.Series(False, index=frame.index)
    if predefined and args.drop_leaked_rows:
        for earlier, later in (("train", ("validation", "test")), ("validation", ("test",))):
            is_leaked[leaked_rows(duplicates, frame["split"].tolist(), earlier, later)] = True
    info |= {
        "num_unique_texts": frame["hash"].nunique(),
        "exact_duplicates_dropped": int(is_copy.sum()),
        "near_duplicate_pairs": len(duplicates.near) if args.near_duplicates else None,
        "groups": frame["group"].nunique(),
        "conflicting_labels": int((frame.groupby("hash")["label"].nunique() > 1).sum()),
        "leaked_rows_dropped": int(is_leaked.sum()),
    }
    frame = frame[~(is_copy | is_leaked)].reset_index(drop=True)
    row_ids, groups, labels, splits_of_rows = (frame[c].tolist() for c in ("row_id", "group", "label", "split"))
    try:
        splits = make_splits(row_ids, groups, labels, splits_of_rows if predefined else None, args)
        validate_trainable(row_ids, labels, splits)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    split_of = {row: split for split, rows in splits.items() for row in rows}
    used = [split_of.get(row) for row in range(len(frame))]
    duplicates = Duplicates(frame["hash"].tolist(), duplicates.near)
    info["leakage"] = {
        "validation": len(leaked_rows(duplicates, used, "validation", ("train",))),
        "test": len(leaked_rows(duplicates, used, "test", ("train", "validation"))),
    }
    if info["conflicting_labels"]:
        logger.warning("%s: %d texts occur with different labels", name, info["conflicting_labels"])
    if info["leakage"]["test"]:
        message = "%s: %d test rows also occur in train or validation, so scores are optimistic; see --drop_leaked_rows"
        logger.warning(message, name, info["leakage"]["test"])
    for part, uncertain in (("validation", "confidences are"), ("test", "metrics are")):
        if 0 < len(splits[part]) < FEW_ROWS and not args.folds:
            logger.warning("%s: only %d %s rows, so %s uncertain", name, len(splits[part]), part, uncertain)
    return _loaded(frame, splits, raw.multi_label, info)


def read_rows(args: DataArguments, dataset: Any = None) -> RawData:
    """Return every row of a data set, as in `load_splits`, but nothing is dropped, checked for duplicates or split."""
    info, parts = open_source(args) if dataset is None else open_memory(dataset)
    columns: dict[str, Any] = {"text": args.text_column, "label": args.label_column}
    parsed: list[Any] = []
    frames = []
    for part in parts:
        columns = {kind: find_columns(part.place, list(part.frame), kind, columns[kind]) for kind in columns}
        if both := set(columns["text"]) & set(columns["label"]):
            raise UserError(f"{part.place}: the column '{min(both)}' cannot be both text and label")
        parsed += read_labels(part.place, part.frame, columns["label"], args.label_separator, cells=part.cells)
        texts = join_texts(part.place, part.frame, columns["text"], cells=part.cells)
        frames.append(pd.DataFrame({"row_id": part.row_ids, "text": texts, "split": part.split}, dtype=object))
    logger.info("columns: text from %s, label from %s", *columns.values())
    kinds = {isinstance(row, list) for row in parsed if row is not None}
    if len(kinds) > 1:
        raise UserError(f"{info['name']}: some rows have lists of labels and others one label; see --label_separator")
    frame = pd.concat(frames, ignore_index=True)
    content = json.dumps([frame.values.tolist(), parsed]).encode()
    info = {"identity": hashlib.sha256(content).hexdigest(), **info, "columns": columns}
    frame["label"] = pd.Series(map_labels(parsed, args.label_map), dtype=object)
    raw = RawData(frame, True in kinds, info)
    for _, names in groupby(sorted(raw.label_names, key=str.casefold), str.casefold):
        if len(alike := list(names)) > 1:
            logger.warning("the labels %s differ only in case; --label_map %s=%s joins them", alike, *alike[:2])
    return raw


def labels_to_array(column: Sequence[Any], label_names: Sequence[str], target_names: Sequence[str]) -> np.ndarray:
    """Return a `label` column, indices into `label_names`, as indices into a classifier's `target_names`.

    The array is (rows,) int64; of multi-label data, with a list per row, (rows, labels) bool. UserError if a row has a
    label that the classifier does not know.
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


def has_titles(texts: Sequence[str]) -> bool:
    """Return whether the first line of these texts is a title, as in BBC News or with --text_column title body."""
    splits = [text.strip().partition("\n") for text in texts]
    titled = sum(len(first.split()) <= MAX_TITLE_WORDS and bool(rest.strip()) for first, _, rest in splits)
    return titled >= MIN_TITLE_SHARE * len(splits) > 0


def excerpts(text: str, titled: bool) -> dict[str, str]:
    """Return the `title` of a text (if `titled`), the `first_sentence` after it, and the `first_30_words` of all.

    Sentences end at ".", "!" or "?" before a capital letter or digit, and at an empty line; no abbreviations are known.
    """
    title, _, body = text.strip().partition("\n") if titled else ("", "", text.strip())
    parts = {"title": title.strip()} if titled else {}
    parts["first_sentence"] = SENTENCE_END.split(body.strip() or title.strip(), maxsplit=1)[0].strip()
    parts[f"first_{EXCERPT_WORDS}_words"] = " ".join(text.split()[:EXCERPT_WORDS])
    return parts


def with_excerpts(texts: Sequence[str], titled: bool, names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the texts followed by their excerpts of these names, and the number of the text of each.

    Excerpts that are as long as the text, or the same as another one of it, are left out.
    """
    parts, numbers = list(texts), list(range(len(texts)))
    for number, text in enumerate(texts):
        kinds = excerpts(text, titled)
        for part in dict.fromkeys(kinds[name] for name in names if name in kinds):
            if 0 < len(part.split()) < len(text.split()):
                parts.append(part)
                numbers.append(number)
    return parts, numbers


def _valid_rows(raw: RawData, args: DataArguments) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows with text and label, without rare labels if asked, and what was left out."""
    frame, name = raw.frame, raw.info["name"]
    invalid = frame[frame["text"].isna() | frame["label"].isna()]
    if len(invalid):
        column = "text" if invalid["text"].iloc[0] is None else "label"
        message = (
            f"{name}: row '{invalid['row_id'].iloc[0]}' has no {column} (column '{raw.info['columns'][column][0]}'); "
            f"{len(invalid)} of {len(frame)} rows are invalid"
        )
        if len(invalid) == len(frame) or not args.drop_invalid_rows:
            raise UserError(f"{message} (see --drop_invalid_rows)")
        logger.warning(message)
    frame = frame.drop(index=invalid.index)
    rare = rare_labels(frame.drop_duplicates(["text", "label"])["label"], args.min_label_rows or 0)
    if rare:
        listed = ", ".join(f"'{label}' ({count})" for label, count in rare.items())
        logger.warning("%s: left out labels with fewer than %d rows: %s", name, args.min_label_rows, listed)
        frame["label"] = [tuple(label for label in row if label not in rare) for row in frame["label"]]
        if not raw.multi_label:
            frame = frame[frame["label"].map(bool)]
    return frame.reset_index(drop=True), {"invalid_rows_dropped": len(invalid), "rare_labels_dropped": rare}


def _loaded(frame: pd.DataFrame, splits: dict[str, list[int]], multi_label: bool, info: dict[str, Any]) -> LoadedData:
    row_ids, labels = frame["row_id"].tolist(), frame["label"].tolist()
    names = sorted_names(name for row in labels for name in row)
    feature = List(ClassLabel(names=names)) if multi_label else ClassLabel(names=names)
    features = Features({"row_id": Value("string"), "text": Value("string"), "label": feature})
    table = frame[["row_id", "text"]].assign(label=[list(row) if multi_label else row[0] for row in labels])
    info |= {
        "has_titles": has_titles(frame["text"].tolist()),
        "split_sizes": {split: len(rows) for split, rows in splits.items()},
        "label_counts": {
            split: dict(sorted(Counter(name for row in rows for name in labels[row]).items()))
            for split, rows in splits.items()
        },
        "split_fingerprint": split_fingerprint(row_ids, frame["group"].tolist(), labels, splits),
    }
    tables = {split: table.iloc[rows].to_dict("list") for split, rows in splits.items()}
    return LoadedData(DatasetDict({split: Dataset.from_dict(tables[split], features) for split in splits}), info)
