"""From whatever marks a row's class in a file to one list of label names, the same for all parts of the data."""

import json
import logging
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Features, List

from bbc_classifier.errors import InputError
from bbc_classifier.yaml_file import read_yaml

logger = logging.getLogger(__name__)

Marks = list[str | None] | list[list[str] | None]

# How programs write into a text file that there is no label.
NO_LABEL = frozenset({"nan", "NaN", "NAN", "<NA>", "null", "NULL"})


def read_marks(place: str, table: pa.Table, column: str, separator: str | None) -> Marks:
    """Return what marks the class of each row, as text: a name, a number, or a list of them; None where nothing does.

    Args:
        place: The file or data set, for the message.
        table: The rows; a `ClassLabel` in its schema's metadata turns numbers into its names.
        column: The column of the label.
        separator: What separates several labels in one cell, or None.

    Raises:
        InputError: The column holds neither text nor whole numbers nor lists of them.
    """
    values = table[column]
    names = _feature_names(table.schema, column)
    if _is_list(values.type):
        return [
            None if row is None else _marks_of_row(f"{place}, row {number}, column '{column}'", row, names)
            for number, row in enumerate(values.to_pylist(), 1)
        ]
    texts = _as_text(place, column, values, names)
    if separator is None:
        return [text or None for text in texts]
    if not separator:
        raise InputError("--label_separator must be at least one character")
    return [None if text is None else _split_cell(text, separator) for text in texts]


def label_kind(table: pa.Table, column: str) -> str | None:
    """Return in a word what a column marks classes by, or None where text that is all numbers may stand for either."""
    values = table[column]
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "names" if _feature_names(table.schema, column) else "numbers"
    if pa.types.is_boolean(kind):
        return "truth values"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        written = (mark for mark in pc.utf8_trim_whitespace(values).to_pylist() if mark and mark not in NO_LABEL)
        return None if all(map(_is_number, written)) else "names"
    return None


def name_labels(
    places: Sequence[str], parts: Sequence[Marks], label_map: dict[str, str]
) -> tuple[Any, list[list[Any]]]:
    """Return the feature that carries the label names, and the label of each row of each part as numbers.

    Names are in alphabetical order, or by number where all are whole numbers. Only names that a row has are kept.

    Args:
        places: The file or data set of each part, for the messages.
        parts: What `read_marks` returned for each part.
        label_map: New names by old ones; a number must have one if any has.

    Raises:
        InputError: Some parts have lists and others not, or a number has no new name, or a name is the library's
            default, which tells a reader nothing.
    """
    multi_label = _one_kind(places, parts)
    seen = sorted({mark for marks in _mark_lists(parts) for mark in marks})
    _check_map(seen, label_map)
    renamed = {mark: label_map.get(mark, mark) for mark in seen}
    names = sorted(set(renamed.values()), key=_order(renamed.values()))
    for index, name in enumerate(names):
        if name == f"LABEL_{index}":
            raise InputError(f"the label '{name}' tells a reader nothing; name the labels: --label_map {name}=…")
    _warn_of_likeness(names)
    number_of = {name: number for number, name in enumerate(names)}
    number = {mark: number_of[name] for mark, name in renamed.items()}
    labels: list[list[Any]] = [[_numbers(row, number) for row in part] for part in parts]
    return List(ClassLabel(names=names)) if multi_label else ClassLabel(names=names), labels


def read_label_map(entries: Sequence[str] | None) -> dict[str, str]:
    """Return new names by old ones, from `old=new` entries, one JSON object, or one YAML or JSON file.

    Raises:
        InputError: An entry or the file is not of that form.
    """
    if not entries:
        return {}
    content: Any
    try:
        if len(entries) == 1 and entries[0].lstrip().startswith("{"):
            content = json.loads(entries[0])
        elif len(entries) == 1 and "=" not in entries[0]:
            content = read_yaml(Path(entries[0]), "--label_map", as_words=True)
        else:
            content = dict(map(_entry, entries))
    except InputError as error:
        raise InputError(f"{error}; or write old=new old=new …") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"--label_map: write old=new old=new …, or name a YAML or JSON file: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) and name.strip() for name in content.values()):
        raise InputError("--label_map: every label needs a new name that is text, as in 0: business")
    return {str(old): new.strip() for old, new in content.items()}


def _entry(entry: str) -> tuple[str, str]:
    old, sign, new = entry.partition("=")
    if not sign:
        raise ValueError(f"'{entry}' has no equals sign")
    return old.strip(), new


def _feature_names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the names that the library's own metadata give to the numbers of a column, or None."""
    try:
        feature = Features.from_arrow_schema(schema)[column]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    feature = getattr(feature, "feature", feature)
    return list(feature.names) if isinstance(feature, ClassLabel) else None


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _as_text(place: str, column: str, values: pa.ChunkedArray, names: list[str] | None) -> list[str | None]:
    kind = values.type
    if pa.types.is_floating(kind):
        # A column of whole numbers with gaps is written as floats by many a library, and a gap as NaN.
        try:
            values, kind = pc.cast(pc.if_else(pc.is_nan(values), None, values), pa.int64()), pa.int64()
        except pa.ArrowInvalid as error:
            row, value = next(
                (row, value)
                for row, value in enumerate(values.to_pylist(), 1)
                if value is not None and not math.isnan(value) and not value.is_integer()
            )
            raise InputError(
                f"{place}, row {row}, column '{column}': a label is a name or a whole number, not {value!r}"
            ) from error
    if pa.types.is_integer(kind) and names is not None:
        return [
            _name_of(f"{place}, row {row}, column '{column}'", index, names)
            for row, index in enumerate(values.to_pylist(), 1)
        ]
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return values.cast(pa.string()).to_pylist()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [None if mark in NO_LABEL else mark for mark in pc.utf8_trim_whitespace(values).to_pylist()]
    raise InputError(f"{place}, column '{column}': a label is text, a whole number or a list of them, not {kind}")


def _split_cell(text: str, separator: str) -> list[str]:
    return [mark.strip() for mark in text.split(separator) if mark.strip()]


def _marks_of_row(place: str, row: Iterable[Any], names: list[str] | None) -> list[str]:
    marks = []
    for value in row:
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise InputError(f"{place}: a list of labels holds text or whole numbers, not {value!r}")
        text = _name_of(place, value, names) if isinstance(value, int) and names else str(value).strip()
        marks += [text] if text else []
    return marks


def _name_of(place: str, index: int | None, names: list[str]) -> str | None:
    """Return the name of a number; -1 is how the library writes that there is no label."""
    if index is None or index == -1:
        return None
    if not 0 <= index < len(names):
        raise InputError(f"{place}: the label {index} is not one of the {len(names)} that are named")
    return names[index]


def _one_kind(places: Sequence[str], parts: Sequence[Marks]) -> bool:
    """Return whether rows have lists of labels; a part without a label has no say."""
    kinds = {
        isinstance(next(row for row in part if row is not None), list): place
        for place, part in zip(places, parts, strict=True)
        if any(row is not None for row in part)
    }
    if len(kinds) > 1:
        raise InputError(
            f"{kinds[True]} has lists of labels and {kinds[False]} has single ones; "
            "all need the same (--label_separator makes lists of text)"
        )
    return True in kinds


def _numbers(row: list[str] | str | None, number: dict[str, int]) -> list[int] | int | None:
    if isinstance(row, list):
        return sorted({number[mark] for mark in row})
    return None if row is None else number[row]


def _mark_lists(parts: Sequence[Marks]) -> Iterable[list[str]]:
    for part in parts:
        for row in part:
            yield row if isinstance(row, list) else [row] if row is not None else []


def _check_map(seen: list[str], label_map: dict[str, str]) -> None:
    if not label_map:
        if seen and all(_is_number(mark) for mark in seen):
            logger.warning("the labels are the numbers %s; --label_map 0=… gives them names", ", ".join(seen[:10]))
        return
    nameless = [mark for mark in seen if _is_number(mark) and mark not in label_map]
    if nameless:
        raise InputError(f"--label_map has no name for the label {nameless[0]}; it has {', '.join(label_map)}")
    unused = [old for old in label_map if old not in seen]
    if unused:
        logger.warning("--label_map: no row has the label '%s'; there are %s", unused[0], ", ".join(seen[:20]))


def _warn_of_likeness(names: Sequence[str]) -> None:
    for alike in alike_names(names):
        listed = "', '".join(alike)
        logger.warning(
            "the labels '%s' differ only in how they are written; --label_map '%s=%s' makes two of them one",
            listed,
            alike[1],
            alike[0],
        )


def alike_names(names: Iterable[str]) -> list[list[str]]:
    """Return the sets of names that differ only in case, inner spaces, or as "1" and "1.0" do.

    >>> alike_names(["Sport", "tech", "sport", "1", "1.0"])
    [['Sport', 'sport'], ['1', '1.0']]
    """
    sets: dict[str, list[str]] = {}
    for name in names:
        plain = " ".join(name.casefold().split())
        sets.setdefault(plain.removesuffix(".0") if _is_number(plain.removesuffix(".0")) else plain, []).append(name)
    return [alike for alike in sets.values() if len(alike) > 1]


def _order(names: Iterable[str]) -> Any:
    """Return the sorting key: by number where every name is a whole number ("07" before "7"), else by name."""
    return (lambda name: (int(name), name)) if all(_is_number(name) for name in names) else str


def _is_number(mark: str) -> bool:
    return mark.removeprefix("-").isdecimal()
