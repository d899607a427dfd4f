"""A file of any format as blocks, by the ending of its name."""

from pathlib import Path

from bbc_classifier.data.blocks.block import BlockFile
from bbc_classifier.data.blocks.delimited_blocks import DelimitedBlockFile
from bbc_classifier.data.blocks.json_line_blocks import JsonLineBlockFile
from bbc_classifier.data.blocks.line_blocks import LineBlockFile
from bbc_classifier.data.blocks.parquet_blocks import ParquetBlockFile
from bbc_classifier.data.blocks.table_blocks import TableBlockFile
from bbc_classifier.data.formats.raw_file import check_readable
from bbc_classifier.data.formats.read import LINES
from bbc_classifier.errors import InputError

KINDS: dict[str, type[BlockFile]] = {
    ".csv": DelimitedBlockFile,
    ".tsv": DelimitedBlockFile,
    ".json": TableBlockFile,
    ".jsonl": JsonLineBlockFile,
    ".parquet": ParquetBlockFile,
    LINES: LineBlockFile,
}


def open_blocks(path: Path, delimiter: str | None = None) -> BlockFile:
    """Return a file as blocks; none of it is read yet.

    Args:
        path: A file whose name ends as one of `KINDS`.
        delimiter: Between the cells of CSV and TSV; None means what the ending says.

    Raises:
        InputError: There is no such file, it is empty, or its ending is unknown.
        WorldError: It may not be read.
    """
    check_readable(path)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"'{path}': the ending '{path.suffix}' is none of {', '.join(KINDS)}")
    return kind(path, delimiter)
