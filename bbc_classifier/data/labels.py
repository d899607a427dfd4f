"""Columns of text and label, label names and label maps."""

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
TEXTS = "text content body article article_text full_text story document news sentence message description headline"
LABELS = "label labels label_text category categories class classes topic topics target section genre tag tags"
USUAL_NAMES = {"text": [*TEXTS.split(), "title"], "label": LABELS.split()}
# What programs write into cells of CSV and Excel where there is no value. In JSON and Parquet these are texts.
NO_LABEL = frozenset(("nan", "NaN", "NAN", "<NA>", "null", "NULL"))
NO_TEXT = NO_LABEL | {"None"}

# Zero-width and direction marks, soft hyphen, byte order mark, control characters. Joiners stay inside a name, where
# emoji and Persian need them.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
WHOLE_NUMBER = re.compile(r"-?\d+(\.0+)?")
LIST_IN_CELL = re.compile(r"\[\s*(['\"].*['\"])?\s*\]", re.DOTALL)
INDICATORS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}

Columns = str | Sequence[str] | None
LabelMap = str | Sequence[str] | Mapping[Any, str] | None
LabelSet = tuple[str, ...]


def find_columns(place: str, names: Sequence[str], kind: str, wanted: Columns = None) -> list[str]:
    """Return the columns of the `kind` "text" or "label" among `names`: those wanted, or the first with a usual name.

    A string is one column, and the only column of a table is its text. UserError names the `place` if there is none.
    """
    known = USUAL_NAMES[kind]
    listed = ", ".join(f"'{name}'" for name in names[:20])
    found = [wanted] if isinstance(wanted, str) else list(wanted or [])
    if missing := [name for name in found if name not in names]:
        raise UserError(f"--{kind}_column: {place} has no column '{missing[0]}'; it has {listed}")
    if not found and kind == "text" and len(names) == 1:
        return list(names)
    by_name = {str(name).strip().casefold(): name for name in reversed(names)}
    found = found or [by_name[name] for name in known if name in by_name][:1]
    if not found:
        usual = ", ".join(known[:4])
        raise UserError(f"{place}: no column is called {usual} or the like; set --{kind}_column to one of {listed}")
    if repeated := [name for name in found if list(names).count(name) > 1]:
        raise UserError(f"{place} has several columns called '{repeated[0]}'; rename them")
    return found


def join_texts(place: str, frame: pd.DataFrame, columns: Sequence[str], *, cells: bool = False) -> list[str | None]:
    """Return the text of each row: its columns, stripped and joined by line breaks; None where all are empty.

    `cells` is true for CSV and Excel, where a word such as "nan" means that there is no text. UserError names `place`
    and row of a value that is not text.
    """
    parts: list[list[str]] = []
    for column in columns:
        parts.append([])
        for number, value in enumerate(_values(frame[column]), 1):
            if not isinstance(value, str | None):
                raise UserError(f"{place}, row {number}, column '{column}': {value!r} is not text")
            text = (value or "").strip()
            parts[-1].append("" if cells and text in NO_TEXT else text)
    return ["\n".join(filter(None, row)) or None for row in zip(*parts, strict=True)]


def read_labels(
    place: str, frame: pd.DataFrame, columns: Sequence[str], separator: str | None, *, cells: bool = False
) -> list[Any]:
    """Return the label of each row: a name, or a list of names; None where there is none.

    Names are normalized by `normalize_label`. Whole numbers are named "0", "1", … whatever their type. Several
    columns hold 0 and 1 for the labels they are named after. `cells` is as in `join_texts`. UserError names `place` and
    row of a value that is not a label.
    """
    if len(columns) > 1:
        return _read_indicators(place, frame, columns)
    where = f"{place}, column '{columns[0]}'"
    rows, lists = [], []
    changed: dict[str, str] = {}
    for number, value in enumerate(_values(frame[columns[0]]), 1):
        if cells and value is not None and value.strip() in NO_LABEL:
            value = None
        elif cells and value is not None and LIST_IN_CELL.fullmatch(value.strip()):
            raise UserError(
                f"{where}, row {number}: {value} is a list in one cell; write several labels as a;b with "
                "--label_separator ';', or as lists in JSON Lines or Parquet"
            )
        value = value.split(separator) if separator and isinstance(value, str) else value
        lists.append(isinstance(value, list | tuple | np.ndarray))
        written = [_label_text(f"{where}, row {number}", entry) for entry in (value if lists[-1] else [value])]
        names = [normalize_label(text) for text in written]
        changed |= {text: name for text, name in zip(written, names, strict=True) if name != text.strip()}
        rows.append([name for name in names if name])
    for old, new in [*changed.items()][:1]:
        logger.warning("%s: normalized %d labels, such as %s to '%s'", where, len(changed), ascii(old), new)
    label_lists = [names for names, is_list in zip(rows, lists, strict=True) if is_list]
    lengths, listed = {*map(len, label_lists)}, {name for names in label_lists for name in names}
    if len(lengths) == 1 < max(lengths) and listed <= INDICATORS.keys() - {""}:
        raise UserError(f"{where}: lists of 0 and 1 have no label names; give lists of names, or a column per label")
    return [names if is_list else next(iter(names), None) for names, is_list in zip(rows, lists, strict=True)]


def _read_indicators(place: str, frame: pd.DataFrame, columns: Sequence[str]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(len(frame))]
    for column in columns:
        for number, value in enumerate(_values(frame[column]), 1):
            mark = "" if value is None else str(value).strip().lower()
            if mark not in INDICATORS:
                raise UserError(f"{place}, row {number}, column '{column}': {value!r} where 0 or 1 is expected")
            rows[number - 1] += [normalize_label(column)] if INDICATORS[mark] else []
    return rows


def _label_text(where: str, value: Any) -> str:
    """Return a label as text, "" where there is none."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, str | bool | int | float | None) or (isinstance(value, float) and value % 1):
        raise UserError(f"{where}: a label is a name, a whole number or a list, not {value!r}")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _values(series: pd.Series) -> list[Any]:
    """Return the values of a column as Python objects, None where one is missing."""
    values = [value.item() if isinstance(value, np.generic) else value for value in series.tolist()]
    return [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in values]


def read_label_map(label_map: LabelMap) -> dict[str, str]:
    """Return new label names by old ones, from a dict, `old=new` entries or the path of one YAML or JSON file."""
    content: Any = label_map or {}
    if not isinstance(content, Mapping):
        entries = [content] if isinstance(content, str) else list(content)
        try:
            if len(entries) == 1 and "=" not in entries[0]:
                # BaseLoader keeps words as written: "no" and "007" are names.
                content = yaml.load(Path(entries[0]).read_text("utf-8-sig"), Loader=yaml.BaseLoader)
            else:
                content = dict(entry.split("=", 1) for entry in entries)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise UserError(f"--label_map: write old=new old=new …, or name a YAML or JSON file ({error})") from error
    if not isinstance(content, Mapping) or not all(isinstance(new, str) and new.strip() for new in content.values()):
        raise UserError("--label_map: every label needs a new name that is text, as in 0=business")
    return {normalize_label(str(old)): normalize_label(new) for old, new in content.items()}


def map_labels(rows: Iterable[list[str] | str | None], label_map: LabelMap) -> list[LabelSet | None]:
    """Return the label names of each row as a sorted tuple after `label_map`; None where there is no label.

    UserError if no name of the map, old or new, is a label.
    """
    label_map = read_label_map(label_map)
    sets = [None if row is None else (row,) if isinstance(row, str) else tuple(row) for row in rows]
    names = sorted({name for row in sets if row is not None for name in row})
    if unused := [old for old in label_map if old not in names]:
        message = f"--label_map: no row has the label '{unused[0]}'; the data has {', '.join(names[:20])}"
        if len(unused) == len(label_map) and not set(label_map.values()) & set(names):
            raise UserError(message)
        logger.warning(message)
    return [None if row is None else tuple(sorted({label_map.get(name, name) for name in row})) for row in sets]


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return the distinct names in alphabetical order, or by number if all are whole numbers."""
    distinct = set(names)
    numbers = all(re.fullmatch(r"-?\d+", name) for name in distinct)
    return sorted(distinct, key=(lambda name: (int(name), name)) if numbers else None)


def rare_labels(labels: Iterable[LabelSet | None], min_rows: int) -> dict[str, int]:
    """Return the labels that fewer than `min_rows` rows have, with their numbers of rows."""
    counts = Counter(name for row in labels if row is not None for name in row)
    return {name: count for name, count in sorted(counts.items()) if count < min_rows}


def normalize_label(name: str) -> str:
    """Return a label name in Unicode NFC, without invisible characters, with single spaces; "1" for "1.0"."""
    name = " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", name)).split()).strip("\u200c\u200d")
    return name.partition(".")[0] if WHOLE_NUMBER.fullmatch(name) else name
