"""The kinds of JSON values, learnt as rows go by: of each column one that holds all its values, or none that does."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

# So many values at a time are asked for their kind.
VALUES_AT_ONCE = 1000


class JsonKinds:
    """What is known of each column so far, in the order in which the columns first came."""

    def __init__(self) -> None:
        self._known: dict[str, pa.DataType | None] = {}
        # Of values among which are numbers that a floating number would round: their kind.
        self._large: dict[str, pa.DataType | None] = {}
        self._waiting: dict[str, list[Any]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._waiting

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._waiting)

    def note(self, values: Mapping[str, Any]) -> None:
        """Learn the kinds of a row's values."""
        for name, value in values.items():
            waiting = self._waiting.setdefault(name, [])
            waiting.append(_without_texts(value))
            if len(waiting) == VALUES_AT_ONCE:
                self._learn(name)

    def all(self) -> dict[str, pa.DataType | None]:
        """Return the kind of each column; None where no kind keeps all its values as they are."""
        for name in self._waiting:
            self._learn(name)
        return {name: kind if self._is_kept_by(name, kind) else None for name, kind in self._known.items()}

    def _is_kept_by(self, name: str, kind: pa.DataType | None) -> bool:
        # An object without a key is no column that Parquet has.
        return not (kind is None or _rounds(self._large.get(name, pa.null()), kind) or _has_empty_object(kind))

    def _learn(self, name: str) -> None:
        values = _array(self._waiting[name])
        self._waiting[name] = []
        kind = None if values is None else values.type
        self._known[name] = _merged(self._known.get(name, pa.null()), kind)
        if values is not None and not _fits_floats(values):
            self._large[name] = _merged(self._large.get(name, pa.null()), kind)


def _without_texts(value: Any) -> Any:
    """Return a value with every text empty: it is of the same kind, and takes no memory until it is asked for it."""
    if isinstance(value, str):
        return ""
    if isinstance(value, list):
        return [_without_texts(entry) for entry in value]
    return {name: _without_texts(entry) for name, entry in value.items()} if isinstance(value, dict) else value


def _array(values: Sequence[Any]) -> pa.Array | None:
    """Return values as one array; None where no kind holds them all."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None


def _merged(one: pa.DataType | None, other: pa.DataType | None) -> pa.DataType | None:
    """Return the kind that holds values of both; None where there is none."""
    if one is None or other is None:
        return None
    if one == other:
        return one
    schemas = [pa.schema({"x": kind}) for kind in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _fits_floats(values: pa.Array) -> bool:
    """Whether no whole number among the values, inside lists and objects too, is too large for a floating number."""
    try:
        values.cast(_with_floats(values.type))
    except pa.ArrowInvalid:
        return False
    return True


def _with_floats(kind: pa.DataType) -> pa.DataType:
    """Return a kind with floating numbers for whole ones."""
    if pa.types.is_integer(kind):
        return pa.float64()
    if pa.types.is_list(kind):
        return pa.list_(_with_floats(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _with_floats(field.type)) for field in kind])
    return kind


def _rounds(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether something is a whole number in one kind and a floating one in another that values are made to be of."""
    if pa.types.is_list(one):
        return _rounds(one.value_type, other.value_type)
    if pa.types.is_struct(one):
        return any(_rounds(field.type, other.field(field.name).type) for field in one)
    return pa.types.is_integer(one) and pa.types.is_floating(other)


def _has_empty_object(kind: pa.DataType) -> bool:
    """Whether a kind is, or has inside, an object without any key."""
    if pa.types.is_struct(kind):
        return not kind.num_fields or any(_has_empty_object(field.type) for field in kind)
    return pa.types.is_list(kind) and _has_empty_object(kind.value_type)
