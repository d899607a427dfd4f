"""CSV and TSV: every cell as the text it is, and a ragged row named."""

import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from bbc_classifier.data.formats.raw_file import check_text
from bbc_classifier.errors import InputError

# The longest row that can be parsed; longer texts are refused anyway.
BLOCK_BYTES = 1 << 26
DELIMITERS = {".csv": ",", ".tsv": "\t"}
NO_DELIMITERS = '"\r\n'
# What spreadsheets put between cells, by country and by export; a shell passes a tab on as these two characters.
USUAL_DELIMITERS = {";": ";", ",": ",", "\t": r"\t", "|": "|"}
TAB = r"\t"


def read_delimited(path: Path, delimiter: str | None = None) -> pa.Table:
    """Return every cell as a string; the first row names the columns.

    Quoted cells may hold the delimiter, doubled quotation marks and line breaks.

    Raises:
        InputError: The file is not UTF-8, a column name is there twice, a row has too few or too many cells, a
            quotation mark is left open or stands inside a quoted cell, or the delimiter seems to be another one.
    """
    asked_for = delimiter is not None
    delimiter = cell_delimiter(path, delimiter)
    check_text(path)
    if not asked_for:
        refuse_another_delimiter(path, delimiter)
    header = _checked_header(path, delimiter)
    ragged: list[arrow_csv.InvalidRow] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            path,
            # One thread: only then are rows numbered.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"'{path}' cannot be read as rows: {_reason(error)}") from error
    if ragged:
        row = ragged[0]
        raise InputError(
            f"'{path}', row {row.number - 1}: {row.actual_columns} cell{'s' * (row.actual_columns != 1)} where the "
            f"header has {row.expected_columns} (column separator {delimiter!r}; quote cells that hold it)"
        )
    return table


def cell_delimiter(path: Path, delimiter: str | None) -> str:
    """Return what stands between the cells: what was asked for, or what the ending says.

    Raises:
        InputError: It is no character that can.
    """
    if delimiter is None:
        return DELIMITERS[path.suffix.lower()]
    delimiter = "\t" if delimiter == TAB else delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in NO_DELIMITERS:
        raise InputError(
            f"--delimiter must be one ASCII character, neither a quotation mark nor a line break, not {delimiter!r}; "
            "a tab may be written \\t"
        )
    return delimiter


def refuse_another_delimiter(path: Path, delimiter: str) -> None:
    """Refuse a first row that is one cell but holds another usual delimiter: every row would be read as one text.

    Raises:
        InputError: It is such a row.
    """
    # What is no UTF-8 is told where rows are read.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = next((line.strip("\r\n") for line in file if line.strip()), "")
    if delimiter in first:
        return
    for other, written in USUAL_DELIMITERS.items():
        if other in first:
            raise InputError(
                f"'{path}': the column names stand in one cell, with {other!r} in it; if that separates the columns, "
                f"add --delimiter '{written}', and if not, --delimiter '{delimiter}'"
            )


def _checked_header(path: Path, delimiter: str) -> list[str]:
    """Return the column names, once the quotation marks of all rows are found to be in order.

    A mark that is left open swallows the rows after it, and Arrow's parser says nothing of it.

    Raises:
        InputError: They are not, or a name is there twice.
    """
    names: list[str] = []
    number = 0
    csv.field_size_limit(BLOCK_BYTES)
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            # Blank lines are no rows.
            for row in filter(None, csv.reader(file, delimiter=delimiter, strict=True)):
                names = names or row
                number += 1
        except csv.Error as error:
            place = f"row {number}" if number else "the column names"
            raise InputError(f"'{path}', {place}: {quoting_fault(error, f'{BLOCK_BYTES >> 20} Mi')}") from error
    if not names:
        raise InputError(f"'{path}' holds no row; the first one names the columns")
    refuse_repeated_names(path, names)
    return names


def quoting_fault(error: csv.Error, most: str) -> str:
    """Return what is wrong where the csv module gives up on a row whose cells may have `most` characters."""
    if "expected after" in str(error):
        return "a quotation mark inside a quoted cell; double it"
    if "limit" in str(error):
        return f"a cell is longer than {most} characters (a quotation mark that is never closed?)"
    if "new-line" in str(error):
        return "a carriage return alone, outside quotation marks; lines end with a line feed"
    return "a quotation mark is never closed"


def refuse_repeated_names(path: Path, names: list[str]) -> None:
    """Check that every column has a name of its own.

    Raises:
        InputError: Two columns share a name.
    """
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InputError(f"'{path}': {count} columns have the name '{name}'; each needs a name of its own")


def _reason(error: pa.ArrowInvalid) -> str:
    if "straddling" in str(error):
        return f"a row is longer than {BLOCK_BYTES >> 20} MiB"
    return " ".join(str(error).split())
