"""An Arrow table to a file of any format, by the ending of its name, whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.records import written_whole

# Between the entries of a list in a format whose cells hold text alone.
LIST_SEPARATOR = ";"
ROWS_AT_ONCE = 1000


def check_output_file(path: Path, *, overwrite: bool) -> None:
    """Refuse an ending that is unknown, a folder, and a file that is there, before any work is done.

    Raises:
        InputError: The file must not or cannot be written.
    """
    if path.suffix.lower() not in WRITERS:
        raise InputError(
            f"--output: the ending '{path.suffix}' of '{path}' is none of {', '.join(WRITERS)}; a folder has none"
        )
    if path.is_dir():
        raise InputError(f"--output: '{path}' is a folder where a file is meant")
    if path.exists() and not overwrite:
        raise InputError(f"--output: '{path}' is there already; add --overwrite or choose another name")


def write_table(path: Path, table: pa.Table, *, line: str) -> None:
    """Write every row and column; a file of lines gets the one column `line`.

    Raises:
        WorldError: The file cannot be written.
    """
    try:
        with written_whole(path) as beside:
            if path.suffix.lower() == ".txt":
                table = table.select([line])
            WRITERS[path.suffix.lower()](beside, table)
    except OSError as error:
        raise WorldError(f"--output: cannot write '{path}': {error.strerror or error}") from error
    except (pa.ArrowException, OverflowError) as error:
        raise InputError(
            f"--output: a column of the input does not fit into '{path.suffix}': {' '.join(str(error).split())}; "
            "choose another ending"
        ) from error


def _write_delimited(delimiter: str) -> Callable[[Path, pa.Table], None]:
    def write(path: Path, table: pa.Table) -> None:
        plain = pa.table({name: flat(table[name]) for name in table.schema.names})
        arrow_csv.write_csv(plain, path, arrow_csv.WriteOptions(delimiter=delimiter, quoting_style="needed"))

    return write


def _write_json_lines(path: Path, table: pa.Table) -> None:
    table = pa.table({name: _finite(table[name]) for name in table.schema.names})
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
            file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch.to_pylist())


def _finite(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers with null for NaN and the infinities, which JSON has no word for."""
    return pc.if_else(pc.is_finite(values), values, None) if pa.types.is_floating(values.type) else values


def _write_lines(path: Path, table: pa.Table) -> None:
    lines = (_text(value) for value in flat(table.column(0)).to_pylist())
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def flat(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return lists joined and objects as JSON; what a cell can hold stays as it is."""
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.chunked_array([pa.array([_joined(row) for row in values.to_pylist()], pa.string())])
    if pa.types.is_nested(kind) or _is_bytes(kind) or isinstance(kind, pa.BaseExtensionType):
        return pa.chunked_array([pa.array([row if row is None else _text(row) for row in values.to_pylist()])])
    return values


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _joined(row: list[Any] | None) -> str | None:
    return None if row is None else LIST_SEPARATOR.join(_text(entry) for entry in row)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


WRITERS: dict[str, Callable[[Path, pa.Table], None]] = {
    ".csv": _write_delimited(","),
    ".tsv": _write_delimited("\t"),
    ".jsonl": _write_json_lines,
    ".parquet": lambda path, table: arrow_parquet.write_table(table, path),
    ".txt": _write_lines,
}
