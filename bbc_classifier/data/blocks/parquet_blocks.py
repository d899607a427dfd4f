"""Parquet in blocks: pages are unpacked as they are needed, whatever the size of the row groups."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from bbc_classifier.data.blocks.block import BLOCK_BYTES, Block, BlockFile, BlockRows
from bbc_classifier.data.formats.delimited import refuse_repeated_names
from bbc_classifier.data.formats.parquet import (
    BATCH_ROWS,
    check_magic,
    damaged,
    plain_schema,
    text_leaves,
    unpacked_bytes,
)
from bbc_classifier.data.formats.raw_file import check_fits_memory
from bbc_classifier.errors import InputError

# A column is read so many bytes at a time, and not a row group at a time.
BUFFER_BYTES = 1 << 20
# Of a column that takes no more than this in each row group, texts are read once each.
LARGEST_PACKED = 1 << 26


class ParquetBlockFile(BlockFile):
    """A Parquet file. Blocks that follow each other are read without going back."""

    # Batches that are to come, each with the number of its first row; what was not asked for of the last one; and the
    # row that comes next.
    _batches: Iterator[tuple[int, pa.RecordBatch]] | None = None
    _left: tuple[int, pa.RecordBatch] | None = None
    _next = 0

    def survey(self, rows: int) -> tuple[pa.Schema, list[Block]]:
        """Read what the file says of itself; return its columns and its blocks.

        Raises:
            InputError: It is no Parquet file, is damaged, has a column name twice, or no row.
        """
        check_magic(self.path)
        with damaged(self.path):
            metadata = arrow_parquet.read_metadata(self.path)
            schema = metadata.schema.to_arrow_schema()
        refuse_repeated_names(self.path, schema.names)
        if not metadata.num_rows:
            raise InputError(f"'{self.path}' holds no row")
        size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
        rows = min(rows, max(1, BLOCK_BYTES * metadata.num_rows // max(size, 1)))
        firsts = range(0, metadata.num_rows, rows)
        return plain_schema(schema), [Block(first, min(rows, metadata.num_rows - first)) for first in firsts]

    def read(self, block: Block, schema: pa.Schema, texts: Sequence[str]) -> BlockRows:
        """Read one block.

        Raises:
            InputError: The file is damaged there, or the block would not fit into the memory.
        """
        try:
            with damaged(self.path):
                table = pa.Table.from_batches(list(self._packed(block)))
                size = sum(unpacked_bytes(chunk) for column in table.columns for chunk in column.chunks)
                check_fits_memory(self.path, size)
                table = table.cast(schema)
                table.validate(full=True)
        except BaseException:
            self._batches = None
            raise
        numbers = list(range(block.first + 1, block.first + 1 + block.rows))
        return BlockRows(table, numbers, [None] * block.rows, [])

    def _packed(self, block: Block) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a block, and keep what was read beyond it."""
        end = block.first + block.rows
        if self._batches is None or self._next > block.first:
            self._batches, self._left, self._next = self._from(block.first), None, 0
        while self._next < end:
            first, batch = self._left or next(self._batches, (end, None))
            if batch is None:
                raise InputError(f"'{self.path}' is shorter than it was")
            begin, stop = max(block.first, first), min(end, first + batch.num_rows)
            if begin < stop:
                yield batch.slice(begin - first, stop - begin)
            self._left = (stop, batch.slice(stop - first)) if stop < first + batch.num_rows else None
            self._next = stop

    def _from(self, row: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield every batch from the row group on that a row is in, each with the number of its first row."""
        metadata = arrow_parquet.read_metadata(self.path)
        sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        starts = [0, *accumulate(sizes)]
        group = max(index for index in range(len(sizes)) if starts[index] <= row)
        with arrow_parquet.ParquetFile(
            self.path, read_dictionary=_small_texts(metadata), buffer_size=BUFFER_BYTES, pre_buffer=False
        ) as file:
            first = starts[group]
            # Group by group: a batch over the end of one would be lost with the next.
            for number in range(group, len(sizes)):
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], use_threads=False):
                    yield first, batch
                    first += batch.num_rows


def _small_texts(metadata: arrow_parquet.FileMetaData) -> list[str]:
    """Return the columns of texts that are read packed: a few bytes may stand for a gigabyte.

    A packed column keeps all texts of its row group in memory, so that only small ones are.
    """
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    sizes: dict[str, int] = {}
    for leaf in (group.column(index) for group in groups for index in range(group.num_columns)):
        sizes[leaf.path_in_schema] = max(sizes.get(leaf.path_in_schema, 0), leaf.total_uncompressed_size)
    # A damaged file may name a column otherwise than its parts do.
    return [path for path in text_leaves(metadata) if path in sizes and sizes[path] <= LARGEST_PACKED]
