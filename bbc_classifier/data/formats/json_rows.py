"""JSON and JSON Lines: a list of objects, or one object a line."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from bbc_classifier.data.formats.raw_file import check_text
from bbc_classifier.errors import InputError

# An object per article has a handful; objects whose keys are ids would make a column of each.
MOST_KEYS = 1000
LARGEST_BITS = 63
KINDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def read_json_lines(path: Path) -> pa.Table:
    """Return one row per line that is not blank; a key that an object lacks is null there.

    Raises:
        InputError: The file is not UTF-8, or a line is not a JSON object; the message names the line.
    """
    check_text(path)
    return _table(path, _objects_of_lines(path))


def read_json(path: Path) -> pa.Table:
    """Return one row per object of the list that the file holds.

    Raises:
        InputError: The file is not UTF-8, not JSON (the message names the line), or no list of objects.
    """
    check_text(path)
    content = _parse(path.read_text(encoding="utf-8-sig"), f"'{path}'")
    if not isinstance(content, list):
        raise InputError(f"'{path}' must hold a list of objects, not {kind_of(content)}; one object a line is .jsonl")
    return _table(path, ((f"'{path}', row {number}", item) for number, item in enumerate(content, 1)))


def _objects_of_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                place = f"'{path}', line {number}"
                yield place, _parse(line, place, one_line=True)


def _parse(text: str, place: str, *, one_line: bool = False) -> Any:
    try:
        return parse_json(text, one_line=one_line)
    except NotRead as error:
        raise InputError(f"{place}: {error}") from error


class NotRead(ValueError):
    """A text is no JSON that can be read as rows; the message says why."""


def parse_json(text: str, *, one_line: bool = False) -> Any:
    """Return what a text of JSON says; with `one_line` a message does not name the line.

    Raises:
        NotRead: It is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}" if one_line else f"line {error.lineno}, column {error.colno}"
        raise NotRead(f"not JSON: {error.msg.removesuffix(' at')} at {where}") from error
    except RecursionError as error:
        raise NotRead("nested too deeply to be a row of text and label") from error
    except NotRead:
        raise
    except ValueError as error:
        raise NotRead("a number has too many digits to be read") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise NotRead(f"the key '{repeated}' is there twice; each needs a name of its own")
    return content


def _table(path: Path, objects: Iterable[tuple[str, Any]]) -> pa.Table:
    columns: dict[str, list[Any]] = {}
    for row, (place, item) in enumerate(objects):
        if not isinstance(item, dict):
            raise InputError(f"{place}: {kind_of(item)} where an object with a text is meant")
        for name in item:
            if name not in columns:
                _check_key(place, name, len(columns))
                columns[name] = [None] * row
        for name, values in columns.items():
            values.append(item.get(name))
    return pa.table({name: _column(path, name, values) for name, values in columns.items()})


def _check_key(place: str, name: str, known: int) -> None:
    if known == MOST_KEYS:
        raise InputError(f"{place}: more than {MOST_KEYS:,} different keys so far; every object needs the same ones")
    if not is_unicode(name):
        raise InputError(f"{place}: the key {name!a} holds half a character (a lone surrogate)")


def _column(path: Path, name: str, values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
        raise InputError(f"'{path}', {_what_is_wrong(name, values)}") from error


def _what_is_wrong(name: str, values: list[Any]) -> str:
    """Say in which row of a column stands what Arrow does not take."""
    kinds: dict[str, int] = {}
    for number, value in enumerate(values, 1):
        if value is not None:
            kinds.setdefault(kind_of(value), number)
        if isinstance(value, str) and not is_unicode(value):
            return f"row {number}, column '{name}': the text holds half a character (a lone surrogate)"
        if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
            return f"row {number}, column '{name}': a number has too many digits to be read"
    found = " and ".join(f"{kind} (row {number})" for kind, number in kinds.items())
    return f"column '{name}': one kind of value is meant, not {found if len(kinds) > 1 else f'a mix inside {found}'}"


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: whether it has no half of a character."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def kind_of(value: Any) -> str:
    """Return what a value of JSON is called in messages."""
    return KINDS.get(type(value), "null")
