"""Columns of text and label, label names and label maps, and rows that cannot be used."""

import itertools
import json
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bbc_classifier.errors import UserError

logger = logging.getLogger(__name__)

# In the order of preference: a table with a title and a body is classified by its body.
TEXT_NAMES = (
    "text content body article article_text full_text story document news sentence message description headline title"
).split()
LABEL_NAMES = (
    "label labels label_text category categories class classes topic topics target section genre tag tags"
).split()
# What programs write into cells of CSV and Excel where there is no value. In JSON and Parquet these are texts.
NO_LABEL = frozenset(("nan", "NaN", "NAN", "<NA>", "null", "NULL"))
NO_TEXT = NO_LABEL | {"None"}

# Zero-width and direction marks, soft hyphen, byte order mark, control characters. Joiners stay inside a name, where
# emoji and Persian need them.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
WHOLE_NUMBER = re.compile(r"-?\d+(\.0+)?")
LIST_IN_CELL = re.compile(r"\[\s*(['\"].*['\"])?\s*\]", re.DOTALL)

Labels = list[str | None] | list[list[str] | None]
LabelSet = tuple[str, ...]


def detect_columns(
    place: str, names: Sequence[str], text: str | Sequence[str] | None, label: str | Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the text columns and the label columns: those asked for, or else found by name.

    Args:
        place: The file or data set, for messages.
        names: The columns of the table.
        text: Text columns asked for; a string is one column.
        label: Label columns asked for; a string is one column.

    Raises:
        UserError: A column does not exist, or none is found by name.
    """
    texts, labels = _requested(place, names, "text", text), _requested(place, names, "label", label)
    labels = labels or _named(names, LABEL_NAMES, texts)
    texts = texts or _named(names, TEXT_NAMES, labels)
    if len(names) == 2 and len(texts) + len(labels) == 1:
        other = [name for name in names if name not in (*texts, *labels)]
        texts, labels = (texts or other), (labels or other)
    if not texts:
        raise UserError(_undecided(place, names, "text", TEXT_NAMES))
    if not labels:
        raise UserError(f"{_undecided(place, names, 'label', LABEL_NAMES)} (several columns of 0 and 1 are possible)")
    if both := set(texts) & set(labels):
        raise UserError(f"{place}: the column '{min(both)}' cannot be both text and label")
    return texts, labels


def detect_text_columns(place: str, names: Sequence[str], text: str | Sequence[str] | None) -> list[str]:
    """Return the text columns of a table without labels: those asked for, found by name, or the only column.

    Raises:
        UserError: A column does not exist, or none is found by name.
    """
    texts = _requested(place, names, "text", text) or _named(names, TEXT_NAMES, [])
    if not texts and len(names) != 1:
        raise UserError(_undecided(place, names, "text", TEXT_NAMES))
    return texts or list(names)


def join_texts(place: str, frame: pd.DataFrame, columns: Sequence[str], *, cells: bool = False) -> list[str | None]:
    """Return the text of each row: its columns, stripped and joined by line breaks; None where all are empty.

    Args:
        place: The file or data set, for messages.
        frame: The rows.
        columns: The text columns.
        cells: Whether the rows are cells of CSV or Excel, where a word such as "nan" means that there is no text.

    Raises:
        UserError: A value is not text.
    """
    parts: list[list[str]] = []
    for column in columns:
        values = _values(frame[column])
        for number, value in enumerate(values, 1):
            if value is not None and not isinstance(value, str):
                raise UserError(f"{place}, row {number}, column '{column}': {value!r} is not text")
        stripped = ["" if value is None else value.strip() for value in values]
        parts.append(["" if cells and value in NO_TEXT else value for value in stripped])
    return ["\n".join(part for part in row).strip() or None for row in zip(*parts, strict=True)]


def read_labels(
    place: str, frame: pd.DataFrame, columns: Sequence[str], separator: str | None, *, cells: bool = False
) -> Labels:
    """Return the label of each row: a name, or a list of names; None where there is none.

    Names are in Unicode NFC, without invisible characters, with single spaces. A column of whole numbers reads "0",
    "1", … whatever its type.

    Args:
        place: The file or data set, for messages.
        frame: The rows.
        columns: One column of names, numbers or lists; or several, each of 0 and 1 for the label it is named after.
        separator: Separator of several labels in one cell, or None.
        cells: Whether the rows are cells of CSV or Excel, where a word such as "nan" means that there is no label.

    Raises:
        UserError: A value is none of these.
    """
    if separator == "":
        raise UserError("--label_separator must be at least one character")
    if len(columns) > 1:
        return _read_indicators(place, frame, columns)
    column, values = columns[0], _values(frame[columns[0]])
    where = f"{place}, column '{column}'"
    if cells:
        values = [None if value is None or value.strip() in NO_LABEL else value for value in values]
    if separator is not None:
        values = [value.split(separator) if isinstance(value, str) else value for value in values]
    lists = [value.tolist() if isinstance(value, np.ndarray) else value for value in values]
    if any(isinstance(value, (list, tuple)) for value in lists):
        for number, value in enumerate(lists, 1):
            if value is not None and not isinstance(value, (list, tuple)):
                raise UserError(f"{where}, row {number}: a single label {value!r} where other rows have lists")
        entries = [(number, entry) for number, row in enumerate(lists, 1) for entry in row or ()]
        names = iter(_label_names(where, entries))
        return [None if row is None else [name for name in itertools.islice(names, len(row)) if name] for row in lists]
    for number, value in enumerate(values, 1):
        if cells and value is not None and LIST_IN_CELL.fullmatch(value.strip()):
            raise UserError(
                f"{where}, row {number}: {value} is a list in one cell; write several labels as a;b with "
                "--label_separator ';', or as lists in JSON Lines or Parquet"
            )
    return _label_names(where, list(enumerate(values, 1)))


def read_label_map(label_map: str | Sequence[str] | Mapping[Any, str] | None) -> dict[str, str]:
    """Return new label names by old ones.

    Args:
        label_map: A dict, `old=new` entries, one JSON object, or the path of one YAML or JSON file.

    Raises:
        UserError: It has another form.
    """
    content: Any = label_map or {}
    if not isinstance(content, Mapping):
        entries = [content] if isinstance(content, str) else list(content)
        try:
            if len(entries) == 1 and entries[0].lstrip().startswith("{"):
                content = json.loads(entries[0])
            elif len(entries) == 1 and "=" not in entries[0]:
                # BaseLoader keeps words as written: "no" and "007" are names.
                content = yaml.load(Path(entries[0]).read_text("utf-8-sig"), Loader=yaml.BaseLoader)
            else:
                content = dict(entry.split("=", 1) for entry in entries)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise UserError(f"--label_map: write old=new old=new …, or name a YAML or JSON file ({error})") from error
    if not isinstance(content, Mapping) or not all(isinstance(new, str) and new.strip() for new in content.values()):
        raise UserError("--label_map: every label needs a new name that is text, as in 0=business")
    return {normalize_label(str(old)): normalize_label(new) for old, new in content.items()}


def map_labels(rows: Iterable[list[str] | str | None], label_map: Mapping[str, str]) -> list[LabelSet | None]:
    """Return the label names of each row as a sorted tuple after `label_map`; None where there is no label.

    Raises:
        UserError: No label has an entry in the map, or a label that is a number has none while others have.
    """
    sets = [None if row is None else (row,) if isinstance(row, str) else tuple(row) for row in rows]
    names = sorted({name for row in sets if row is not None for name in row})
    listed = ", ".join(f"'{name}'" for name in names[:20])
    if label_map:
        unused = [old for old in label_map if old not in names]
        if len(unused) == len(label_map):
            raise UserError(f"--label_map: none of its entries is a label of the data, which has {listed}")
        for name in names:
            if WHOLE_NUMBER.fullmatch(name) and name not in label_map:
                raise UserError(f"--label_map has no name for the label {name}; it has {', '.join(label_map)}")
        if unused:
            logger.warning("--label_map: no row has the label '%s'; the data has %s", unused[0], listed)
    elif names and all(WHOLE_NUMBER.fullmatch(name) for name in names):
        logger.warning("the labels are the numbers %s; --label_map 0=… gives them names", listed)
    return [None if row is None else tuple(sorted({label_map.get(name, name) for name in row})) for row in sets]


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return the distinct names in alphabetical order, or by number if all are whole numbers."""
    distinct = set(names)
    numbers = all(re.fullmatch(r"-?\d+", name) for name in distinct)
    return sorted(distinct, key=(lambda name: (int(name), name)) if numbers else None)


def alike_names(names: Iterable[str]) -> list[list[str]]:
    """Return the sets of names that differ only in case, or as "1" and "1.0" do.

    >>> alike_names(["Sport", "tech", "sport", "1", "1.0"])
    [['Sport', 'sport'], ['1', '1.0']]
    """
    sets: dict[str, list[str]] = {}
    for name in names:
        sets.setdefault(_without_fraction(name.casefold()), []).append(name)
    return [alike for alike in sets.values() if len(alike) > 1]


def rare_labels(labels: Iterable[LabelSet | None], min_rows: int) -> dict[str, int]:
    """Return the labels that fewer than `min_rows` rows have, with their numbers of rows."""
    counts = Counter(name for row in labels if row is not None for name in row)
    return {name: count for name, count in sorted(counts.items()) if count < min_rows}


def normalize_label(name: str) -> str:
    """Return a label name in Unicode NFC, without invisible characters, with single spaces.

    >>> normalize_label(" e\u0301conomie\u200b ")
    'économie'
    """
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", name)).split()).strip("\u200c\u200d")


def _label_names(where: str, values: Sequence[tuple[int, Any]]) -> list[str | None]:
    """Return (row, value) pairs as normalized names, and log names that normalization changed."""
    names: list[str | None] = []
    changed: dict[str, str] = {}
    for number, value in values:
        if isinstance(value, float) and not value.is_integer():
            raise UserError(f"{where}, row {number}: a label is a name or a whole number, not {value!r}")
        if value is not None and not isinstance(value, (str, bool, int, float)):
            raise UserError(
                f"{where}, row {number}: a label is a name, a whole number or a list of them, not {value!r}"
            )
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        name = normalize_label(text)
        if name != text.strip():
            changed[text] = name
        names.append(name or None)
    if changed:
        old, new = next(iter(changed.items()))
        logger.warning(
            "%s: spellings of labels made equal, such as %s to '%s' (%d)", where, ascii(old), new, len(changed)
        )
    if all(name is None or WHOLE_NUMBER.fullmatch(name) for name in names):
        return [name and _without_fraction(name) for name in names]
    return names


def _without_fraction(name: str) -> str:
    return name.partition(".")[0] if WHOLE_NUMBER.fullmatch(name) else name


def _read_indicators(place: str, frame: pd.DataFrame, columns: Sequence[str]) -> list[list[str] | None]:
    rows: list[list[str] | None] = [[] for _ in range(len(frame))]
    meaning = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}
    for column in columns:
        for number, value in enumerate(_values(frame[column]), 1):
            mark = "" if value is None else str(value).strip().lower()
            if mark not in meaning:
                raise UserError(f"{place}, row {number}, column '{column}': {value!r} where 0 or 1 is expected")
            if meaning[mark]:
                rows[number - 1].append(normalize_label(column))  # type: ignore[union-attr]
    return rows


def _values(series: pd.Series) -> list[Any]:
    """Return the values of a column as Python objects, None where one is missing."""
    values = [value.item() if isinstance(value, np.generic) else value for value in series.tolist()]
    return [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in values]


def _requested(place: str, names: Sequence[str], kind: str, columns: str | Sequence[str] | None) -> list[str]:
    """Return the columns asked for, after checking that they exist."""
    wanted = [columns] if isinstance(columns, str) else list(columns or [])
    for name in wanted:
        if name not in names:
            raise UserError(f"--{kind}_column: {place} has no column '{name}'; it has {_listed(names)}")
    return wanted


def _named(names: Sequence[str], known: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return the first column, in the order of `known`, whose name is known, whatever its case."""
    by_name = {str(name).strip().casefold(): name for name in reversed(names) if name not in taken}
    return [by_name[name] for name in known if name in by_name][:1]


def _undecided(place: str, names: Sequence[str], kind: str, known: Sequence[str]) -> str:
    return (
        f"{place}: no column is called {', '.join(known[:4])} or the like; name the column of the {kind} with "
        f"--{kind}_column: {_listed(names)}"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(f"'{name}'" for name in names[:20]) + more
