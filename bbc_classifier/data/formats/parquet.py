"""Parquet, read in batches so that a small file that unpacks to a huge one is stopped in time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as arrow_parquet

from bbc_classifier.data.formats.delimited import refuse_repeated_names
from bbc_classifier.data.formats.free_memory import free_memory
from bbc_classifier.data.formats.raw_file import check_fits_memory
from bbc_classifier.errors import InputError, WorldError

MAGIC = b"PAR1"
BATCH_ROWS = 1024
# The least that a value takes once it is unpacked; of a text, its offset.
BYTES_OF = {"BOOLEAN": 1 / 8, "INT64": 8, "DOUBLE": 8, "INT96": 8}
BYTES_OF_OTHERS = 4
# A row gets an id, and a text of its own in Python before it is tokenised.
BYTES_OF_ROW = 64


def read_parquet(path: Path) -> pa.Table:
    """Return the whole table.

    Raises:
        InputError: It is no Parquet file, is damaged, has a column name twice, or would not fit into memory.
    """
    check_magic(path)
    with damaged(path):
        metadata = arrow_parquet.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        refuse_repeated_names(path, schema.names)
        check_fits_memory(path, _least_bytes(metadata))
        # Strings stay packed until they are measured: a few bytes may stand for a gigabyte.
        with arrow_parquet.ParquetFile(path, read_dictionary=text_leaves(metadata)) as file:
            table = _unpacked(path, file, plain_schema(schema))
        table.validate(full=True)
    return table


def check_magic(path: Path) -> None:
    """Check that a file begins as Parquet does.

    Raises:
        InputError: It does not.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if start != MAGIC:
        raise InputError(f"'{path}' is not a Parquet file: it begins with {start!r}, not {MAGIC!r}")


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Say in one sentence what Arrow could not read.

    Raises:
        InputError: It could not read something.
        WorldError: The disk did not give it: the file is gone, say.
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # Of what it finds in the file itself, there is no number.
        if isinstance(error, OSError) and error.errno:
            raise WorldError(f"cannot read '{path}': {os.strerror(error.errno)}") from error
        raise InputError(f"'{path}' is a damaged Parquet file: {' '.join(str(error).split())[:200]}") from error


def _unpacked(path: Path, file: arrow_parquet.ParquetFile, schema: pa.Schema) -> pa.Table:
    """Measure every batch, and unpack only once all are known to fit into the memory."""
    size, free = 0, free_memory()
    for batch in _batches(file):
        size += sum(map(unpacked_bytes, batch.columns))
        check_fits_memory(path, size, free)
    # Read again, not kept: a packed batch holds on to the texts of all that lie beside it in the file.
    return pa.Table.from_batches((batch.cast(schema) for batch in _batches(file)), schema)


def _batches(file: arrow_parquet.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Yield every row, a row group at a time: packed texts inside lists cannot be read over the end of one."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group])


def _least_bytes(metadata: arrow_parquet.FileMetaData) -> int:
    """Return a lower bound of what the file takes once unpacked, from what it says of itself."""
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    # Of a list, a row may have no value at all.
    single = (leaf.physical_type for leaf in _leaves(metadata) if leaf.max_repetition_level == 0)
    row = sum(BYTES_OF.get(kind, BYTES_OF_OTHERS) for kind in single)
    return max(int(metadata.num_rows * max(row, BYTES_OF_ROW)), sum(group.total_byte_size for group in groups))


def _leaves(metadata: arrow_parquet.FileMetaData) -> list[arrow_parquet.ColumnSchema]:
    """Return what has values of its own, also inside lists and objects."""
    return [metadata.schema.column(index) for index in range(len(metadata.schema))]


def text_leaves(metadata: arrow_parquet.FileMetaData) -> list[str]:
    """Return the paths of what holds texts, also inside lists and objects."""
    return [leaf.path for leaf in _leaves(metadata) if leaf.physical_type == "BYTE_ARRAY"]


def unpacked_bytes(column: pa.Array) -> int:
    """Return how many bytes the values take once texts that are packed are unpacked."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary)
        return pc.sum(lengths.take(column.indices)).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(map(unpacked_bytes, column.flatten()))
    if pa.types.is_map(kind):
        return unpacked_bytes(column.keys) + unpacked_bytes(column.items)
    if pa.types.is_nested(kind):
        return unpacked_bytes(column.flatten())
    return column.nbytes


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns as they are read: no dictionary, and texts in the layout that every function takes."""
    return pa.schema([_plain(field) for field in schema], schema.metadata)


def _plain(field: pa.Field) -> pa.Field:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return pa.field(field.name, _without_views(kind), metadata=field.metadata)


def _without_views(kind: pa.DataType) -> pa.DataType:
    """Return a kind with texts and bytes in their usual layout, also inside lists and objects."""
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return pa.string() if pa.types.is_string_view(kind) else pa.binary()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_views(field.type)) for field in kind])
    if pa.types.is_map(kind):
        items = kind.item_field
        return pa.map_(_without_views(kind.key_type), items.with_type(_without_views(items.type)))
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return kind
    entry = kind.value_field.with_type(_without_views(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(entry, kind.list_size)
    return pa.list_(entry) if pa.types.is_list(kind) else pa.large_list(entry)
