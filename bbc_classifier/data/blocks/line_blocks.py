"""Plain text in blocks, a text a line."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.counted_lines import CountedLines
from bbc_classifier.data.blocks.text_blocks import TextBlockFile, TextRow

SCHEMA = pa.schema({"text": pa.string()})


class LineBlockFile(TextBlockFile):
    """A file of lines."""

    def rows(self, lines: CountedLines) -> Iterator[TextRow]:
        """Yield every line; the line break at the end of the file ends the last one."""
        for text in lines:
            fault, lines.fault = lines.fault, None
            line = text.rstrip("\r\n")
            # Whether it ends a line or not is not for us to guess: an old file may be one such line.
            fault = fault or ("a carriage return alone; lines end with a line feed" if "\r" in line else None)
            yield TextRow(lines.line, line, fault)

    def begin(self, lines: CountedLines) -> None:
        """Take nothing: there are no names."""

    def note(self, row: TextRow) -> None:
        """Take note of nothing: the columns are known."""

    def schema(self) -> pa.Schema:
        """Return the one column."""
        return SCHEMA

    def fault(self, values: Any, schema: pa.Schema, texts: Sequence[str]) -> str | None:
        """Return None: a line can hold anything."""
        return None

    def table(self, rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
        """Return lines as a table."""
        return pa.table([pa.array(rows, pa.string())], schema=schema)
