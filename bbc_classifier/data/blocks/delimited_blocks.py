"""CSV and TSV in blocks: every cell as the text it is; a ragged row is told, and the next one is read."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.counted_lines import CountedLines
from bbc_classifier.data.blocks.text_blocks import TextBlockFile, TextRow
from bbc_classifier.data.broken_rows import MOST_CHARACTERS
from bbc_classifier.data.formats.delimited import (
    cell_delimiter,
    quoting_fault,
    refuse_another_delimiter,
    refuse_repeated_names,
)
from bbc_classifier.errors import InputError


class DelimitedBlockFile(TextBlockFile):
    """CSV or TSV."""

    def rows(self, lines: CountedLines) -> Iterator[TextRow]:
        """Yield the rows that are not blank."""
        # A mark that is left open swallows the rows after it, up to this many characters.
        csv.field_size_limit(MOST_CHARACTERS)
        reader = csv.reader(lines, delimiter=cell_delimiter(self.path, self.delimiter), strict=True)
        while True:
            lines.fault, line = None, lines.line + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                # The reader forgets the row and goes on with the next line.
                yield TextRow(line, None, quoting_fault(error, f"{MOST_CHARACTERS:,}"))
                continue
            if cells is None:
                return
            if cells or lines.fault:
                yield TextRow(line, cells, lines.fault)

    def begin(self, lines: CountedLines) -> None:
        """Read the names of the columns."""
        if self.delimiter is None:
            refuse_another_delimiter(self.path, cell_delimiter(self.path, None))
        header = next(self.rows(lines), None)
        if header is None:
            raise InputError(f"'{self.path}' holds no row; the first one names the columns")
        if header.fault:
            raise InputError(f"'{self.path}', the column names: {header.fault}")
        refuse_repeated_names(self.path, header.values)
        self._schema = pa.schema([pa.field(name, pa.string()) for name in header.values])

    def note(self, row: TextRow) -> None:
        """Take note of nothing: the first line has said it."""

    def schema(self) -> pa.Schema:
        """Return the columns, each of text."""
        return self._schema

    def fault(self, values: Any, schema: pa.Schema, texts: Sequence[str]) -> str | None:
        """Return how many cells the row has where it has too few or too many."""
        if len(values) == len(schema):
            return None
        return f"{len(values)} cell{'s' * (len(values) != 1)} where the header has {len(schema)}"

    def table(self, rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
        """Return rows as a table of text."""
        columns = zip(*rows, strict=True) if rows else [[]] * len(schema)
        return pa.table([pa.array(cells, pa.string()) for cells in columns], schema=schema)
