"""What a JSON file must hold, as plain data, and the sentence that says where one holds something else.

A shape is a `Kind`; None for null; `[shape]` for a list of any length; a tuple of shapes for one of several; or a dict
of shapes by key. A key that ends in "?" may be missing. What a dict does not name may be there, whatever it is; with
the key `str` it must have that shape, and with a `Kind` for a key its key must be of that too.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from bbc_classifier.errors import InputError

Shape = Any
# Numbers beyond these are in no file of ours, and in no arithmetic that follows.
LARGEST_WHOLE = 2**63 - 1
LARGEST = 1e18
# An option is a word, a number, or a few of them.
DEEPEST_OPTION = 4


@dataclass(frozen=True)
class Kind:
    """A kind of single value: how a message calls it, and which values are of it."""

    name: str
    fits: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_WHOLE


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value) and abs(value) <= LARGEST)


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_option(value: Any, depth: int = 0) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < DEEPEST_OPTION and all(_is_option(child, depth + 1) for child in children)


def _matching(name: str, pattern: str) -> Kind:
    """Return the kind of text that a pattern matches as a whole."""
    return Kind(name, lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.ASCII)))


TEXT = Kind("text", lambda value: isinstance(value, str))
NAME = Kind("a name", lambda value: isinstance(value, str) and bool(value.strip()))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
WHOLE = Kind("a whole number", _is_whole)
COUNT = Kind("a count", lambda value: _is_whole(value) and value >= 0)
POSITIVE = Kind("a count above 0", lambda value: _is_whole(value) and value > 0)
NUMBER = Kind("a number", _is_number)
INTERVAL = Kind("a pair of numbers", _is_interval)
OPTION = Kind("a simple value", _is_option)
SHA256 = _matching("a SHA-256", "[0-9a-f]{64}")
WORD = _matching("a word", r"[\w.+-]*")
FILE_NAME = _matching("the name of a file", r"[\w-][\w.-]{0,99}")
HUB_ID = _matching("a Hub id", r"[\w.-]+(/[\w.-]+)?")
NOTHING = Kind("nothing", lambda value: False)
OF_HINT = {str: TEXT, bool: FLAG, int: WHOLE, float: NUMBER, NoneType: None}


def one_of(values: Collection[Any]) -> Kind:
    """Return the kind that has these values and no other."""
    return Kind(f"one of {', '.join(map(str, values))}", lambda value: isinstance(value, str) and value in values)


def shape_of(options: type) -> dict[Any, Shape]:
    """Return the shape of a dataclass written as JSON: each field of its hint's kind, or missing, and no other key."""
    hints = get_type_hints(options)
    return {**{f"{field.name}?": _of_hint(hints[field.name]) for field in fields(options)}, str: NOTHING}


def _of_hint(hint: Any) -> Shape:
    if hint in OF_HINT:
        return OF_HINT[hint]
    if get_origin(hint) is list:
        return [_of_hint(*get_args(hint))]
    if get_origin(hint) is dict:
        return {str: _of_hint(get_args(hint)[1])}
    return tuple(map(_of_hint, get_args(hint))) or OPTION


def refuse_other_shape(place: str, value: Any, shape: Shape) -> None:
    """Check that a value read from JSON is of a shape.

    Args:
        place: The file, as the beginning of a sentence.
        value: What it holds.
        shape: What it must hold.

    Raises:
        InputError: It is not; the message names the first key that is not.
    """
    for path, reason in _faults(value, shape, ""):
        raise InputError(f"{place} is damaged: {path.removeprefix('.') or 'it'} {reason}")


def _faults(value: Any, shape: Shape, path: str) -> Iterable[tuple[str, str]]:
    """Yield where a value is not of a shape, and how."""
    if isinstance(shape, dict) and isinstance(value, dict):
        yield from _faults_of_keys(value, shape, path)
    elif isinstance(shape, list) and isinstance(value, list):
        for number, child in enumerate(value):
            yield from _faults(child, shape[0], f"{path}[{number}]")
    elif isinstance(shape, tuple):
        if all(any(_faults(value, each, path)) for each in shape):
            yield path, f"is {_called(value)} where {' or '.join(map(_meant, shape))} is meant"
    elif not (isinstance(shape, Kind) and shape.fits(value)) and not (shape is None and value is None):
        yield path, f"is {_called(value)} where {_meant(shape)} is meant"


def _faults_of_keys(value: dict[str, Any], shape: dict[Any, Shape], path: str) -> Iterable[tuple[str, str]]:
    named = {key.removesuffix("?"): key for key in shape if isinstance(key, str)}
    others = next((key for key in shape if not isinstance(key, str)), None)
    for name, key in named.items():
        if name in value:
            yield from _faults(value[name], shape[key], f"{path}.{name}")
        elif name == key:
            yield f"{path}.{name}", "is missing"
    for name in value.keys() - named.keys() if others else ():
        if isinstance(others, Kind) and not others.fits(name):
            yield path, f"has a key {_called(name)} where {others.name} is meant"
        else:
            yield from _faults(value[name], shape[others], f"{path}.{name}")


def _meant(shape: Shape) -> str:
    if isinstance(shape, Kind):
        return shape.name
    return "null" if shape is None else "a list" if isinstance(shape, list) else "an object"


def _called(value: Any) -> str:
    if isinstance(value, (bool, NoneType)):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (int, float)):
        return f"the number {value:.6g}" if abs(value) <= LARGEST else "a number out of all range"
    if isinstance(value, str):
        return f"'{value[:40]}'"
    return "a list" if isinstance(value, list) else "an object"
