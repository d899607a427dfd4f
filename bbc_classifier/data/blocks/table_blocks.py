"""A list of JSON in blocks: it can only be read whole, and so must fit into the memory."""

from collections.abc import Sequence

import pyarrow as pa

from bbc_classifier.data.blocks.block import Block, BlockFile, BlockRows
from bbc_classifier.data.formats.read import read_table


class TableBlockFile(BlockFile):
    """A file that is parsed once and kept."""

    _table: pa.Table | None = None

    def survey(self, rows: int) -> tuple[pa.Schema, list[Block]]:
        """Read the file; return its columns and its blocks.

        Raises:
            InputError: It is damaged, holds no row, or takes more than half of the free memory.
        """
        table = self._read()
        firsts = range(0, table.num_rows, rows)
        return table.schema, [Block(first, min(rows, table.num_rows - first)) for first in firsts]

    def read(self, block: Block, schema: pa.Schema, texts: Sequence[str]) -> BlockRows:
        """Return one block."""
        table = self._read().slice(block.first, block.rows)
        numbers = list(range(block.first + 1, block.first + 1 + block.rows))
        return BlockRows(table, numbers, [None] * block.rows, [])

    def _read(self) -> pa.Table:
        if self._table is None:
            self._table = read_table(self.path, delimiter=self.delimiter)
        return self._table
