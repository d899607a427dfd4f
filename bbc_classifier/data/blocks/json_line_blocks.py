"""JSON Lines in blocks: a survey learns the kind of each column, so that every block has the same columns."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.counted_lines import CountedLines
from bbc_classifier.data.blocks.json_kinds import JsonKinds
from bbc_classifier.data.blocks.text_blocks import TextBlockFile, TextRow
from bbc_classifier.data.formats.json_rows import MOST_KEYS, NotRead, is_unicode, kind_of, parse_json
from bbc_classifier.errors import InputError

# What marks a column whose values are of several kinds: each is kept as the JSON it was.
AS_JSON = {b"json": b"every value as JSON text"}
# So deep lists and objects may lie in each other: every reader of the answers has a limit of its own.
MOST_LEVELS = 100


class JsonLineBlockFile(TextBlockFile):
    """One object a line; a key that an object lacks is null there."""

    def rows(self, lines: CountedLines) -> Iterator[TextRow]:
        """Yield every line that is not blank."""
        for text in lines:
            fault, lines.fault = lines.fault, None
            if fault or text.strip():
                yield TextRow(lines.line, None, fault) if fault else _row(lines.line, text)

    def begin(self, lines: CountedLines) -> None:
        """Forget the columns of another survey."""
        self._kinds = JsonKinds()

    def note(self, row: TextRow) -> None:
        """Learn the kinds of a row's values."""
        values = row.values or {}
        if len(self._kinds) + sum(name not in self._kinds for name in values) > MOST_KEYS:
            raise InputError(
                f"'{self.path}', line {row.line}: more than {MOST_KEYS:,} different keys so far; every object "
                "needs the same ones"
            )
        self._kinds.note(values)

    def schema(self) -> pa.Schema:
        """Return the columns in the order in which they first came."""
        kinds = self._kinds.all()
        if not kinds:
            raise InputError(f"'{self.path}': no line of it is an object with a text")
        return pa.schema(
            [
                pa.field(name, pa.string(), metadata=AS_JSON) if kind is None else pa.field(name, kind)
                for name, kind in kinds.items()
            ]
        )

    def fault(self, values: Any, schema: pa.Schema, texts: Sequence[str]) -> str | None:
        """Return which text of the row is none."""
        for name in texts:
            value = values.get(name)
            if value is not None and not isinstance(value, str):
                return f"column '{name}': {kind_of(value)} where a text is meant"
        return None

    def table(self, rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
        """Return objects as a table."""
        return pa.table([_column(rows, field) for field in schema], schema=schema)


def _row(line: int, text: str) -> TextRow:
    try:
        values = parse_json(text, one_line=True)
    except NotRead as error:
        return TextRow(line, None, str(error))
    if not isinstance(values, dict):
        return TextRow(line, None, f"{kind_of(values)} where an object with a text is meant")
    # Only an escape can stand for half a character: the line itself is UTF-8.
    if "\\u" in text and not is_unicode(json.dumps(values, ensure_ascii=False)):
        return TextRow(line, None, "holds half a character (a lone surrogate)")
    if text.count("[") + text.count("{") > MOST_LEVELS and _levels(values) > MOST_LEVELS:
        return TextRow(line, None, f"lists and objects lie in each other more than {MOST_LEVELS} deep")
    return TextRow(line, values)


def _levels(values: Any) -> int:
    """Return how deep lists and objects lie in each other; not by recursion, which ends somewhere itself."""
    levels, here = 0, [values]
    while here := [value for value in here if isinstance(value, (list, dict))]:
        levels += 1
        here = [value for outer in here for value in (outer.values() if isinstance(outer, dict) else outer)]
    return levels


def _column(rows: Sequence[dict[str, Any]], field: pa.Field) -> pa.Array:
    values = [row.get(field.name) for row in rows]
    if field.metadata == AS_JSON:
        values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return pa.array(values, field.type)
