"""A file of any format to an Arrow table, by the ending of its name."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from bbc_classifier.data.formats.delimited import read_delimited
from bbc_classifier.data.formats.json_rows import read_json, read_json_lines
from bbc_classifier.data.formats.lines import read_lines
from bbc_classifier.data.formats.parquet import read_parquet
from bbc_classifier.data.formats.raw_file import check_file
from bbc_classifier.errors import InputError

# Formats of labelled rows, by the ending of the file's name.
FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
# A file of lines has texts and no labels.
LINES = ".txt"


def read_table(path: Path, *, delimiter: str | None = None) -> pa.Table:
    """Return the rows of a file, with its own columns.

    Args:
        path: A file whose name ends as one of `FORMATS`, or `LINES`.
        delimiter: Between the cells of CSV and TSV; None means what the ending says.

    Raises:
        InputError: There is no such file, its ending is unknown, it is damaged, or it holds no row.
        WorldError: It may not be read.
    """
    check_file(path)
    readers: dict[str, Callable[[Path], pa.Table]] = {
        ".csv": lambda path: read_delimited(path, delimiter),
        ".tsv": lambda path: read_delimited(path, delimiter),
        ".json": read_json,
        ".jsonl": read_json_lines,
        ".parquet": read_parquet,
        LINES: read_lines,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"'{path}': the ending '{path.suffix}' is none of {', '.join(readers)}")
    table = reader(path)
    if table.num_rows == 0:
        raise InputError(f"'{path}' holds no row")
    return table
