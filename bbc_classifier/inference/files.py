"""Tables of texts: reading them a block of rows at a time, and writing them."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bbc_classifier.config import PredictArguments
from bbc_classifier.data.labels import find_columns, join_texts
from bbc_classifier.data.sources import CELL_FORMATS, DELIMITERS, read_csv, read_json_lines, read_table
from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import find_run
from bbc_classifier.io import atomic_write, read_json

INPUT_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".txt")
OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".txt")
MAX_EXCEL_ROWS = 2**20 - 1  # below the header
NOT_IN_EXCEL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Spreadsheets compute text that begins with one of these; the wide forms count in some languages.
FORMULA = re.compile(r" *[=+\-@\t\r＝＋－＠]")


@dataclass(frozen=True)
class Shard:
    """Successive rows of a file; `texts` has None where there is none, `invalid` why a row could not be parsed."""

    number: int
    source: str
    first_row: int
    table: pa.Table
    texts: list[str | None]
    invalid: dict[int, str]


class InputFile:
    """A file of rows with one or several text columns, read a block at a time.

    Its `name` is the `source_file` of its rows; `num_rows` includes those that cannot be parsed. Of its columns,
    `text_columns` are joined to the text, and `columns` are kept in the output.
    """

    def __init__(self, path: Path, args: PredictArguments, name: str = ""):
        """Read the file once, for its columns and the number of its rows.

        Columns and delimiter that are not set are those that the classifier was trained with, if they fit the file.
        UserError: it cannot be read as what its extension says, or has no such column.
        """
        self.path, self.name, self._args, self._suffix = path, name, args, path.suffix.lower()
        if self._suffix not in INPUT_FORMATS:
            raise UserError(f"--input: the format of '{path}' is not one of {', '.join(INPUT_FORMATS)}")
        run = find_run(args.model, "record.json")
        record = read_json(run / "record.json") if run else {}
        self._trained_with: dict[str, Any] = record.get("options", {}).get("data", {})
        self.delimiter: str | None = None
        self._schema, self.num_rows, self.text_columns = pa.schema([]), 0, list[str]()
        try:
            if self._suffix == ".parquet":
                self._schema, self.num_rows = pq.read_schema(path), pq.read_metadata(path).num_rows
            else:
                for table, invalid in self._blocks(5000):
                    self._schema, self.num_rows = table.schema, self.num_rows + max(table.num_rows, len(invalid))
        except (UnicodeError, LookupError) as error:
            raise UserError(f"'{path}' cannot be read as {args.encoding} ({error}): set --encoding") from error
        except (pa.ArrowException, csv.Error, ValueError) as error:
            raise UserError(f"'{path}' cannot be read: {' '.join(str(error).split())[:300]}") from error
        self.columns: list[str] = []
        self.num_shards = -(-self.num_rows // args.shard_rows)
        if not self.num_rows:
            return
        columns = self._trained_with.get("text_column") or []
        wanted = args.text_column or (columns if set(columns) <= set(self._schema.names) else None)
        self.text_columns = find_columns(f"'{path}'", self._schema.names, "text", wanted)
        self.columns = args.keep_columns or self._schema.names
        if missing := set(self.columns) - set(self._schema.names):
            raise UserError(f"--keep_columns: '{path}' has no column '{min(missing)}'")

    def shards(self, rows: int, first_number: int = 0) -> Iterator[Shard]:
        """Yield `rows` rows at a time, in their order; a row that cannot be parsed is null in every column."""
        for index, (table, invalid) in enumerate(self._blocks(rows)):
            frame = table.select(self.text_columns).to_pandas()
            if self._suffix == ".xlsx":
                frame = frame.map(lambda value: None if pd.isna(value) else str(value))
            texts = join_texts(f"'{self.path}'", frame, self.text_columns, cells=self._suffix in CELL_FORMATS)
            kept = table.select(self.columns)
            yield Shard(first_number + index, self.name, index * rows + 1, kept, texts, invalid)

    def _blocks(self, rows: int) -> Iterator[tuple[pa.Table, dict[int, str]]]:
        """Yield `rows` rows at a time, and by its index why a row could not be parsed."""
        if self._suffix == ".parquet":
            waiting: list[pa.Table] = []
            for batch in pq.ParquetFile(self.path).iter_batches(rows):
                waiting.append(pa.Table.from_batches([batch]))
                # With a column of categories a batch ends where its row group does.
                if sum(map(len, waiting)) >= rows:
                    table = pa.concat_tables(waiting)
                    yield table.slice(0, rows), {}
                    waiting = [table.slice(rows)]
            if any(map(len, waiting)):
                yield pa.concat_tables(waiting), {}
        elif self._suffix in (".csv", ".tsv", ".jsonl"):
            records, schema = self._records(), self._schema
            while block := list(islice(records, rows)):
                parsed = [{} if isinstance(record, str) else record for record in block]
                names = dict.fromkeys([*schema.names, *(name for record in parsed for name in record)])
                table = pa.table({name: _column([record.get(name) for record in parsed]) for name in names})
                table = _with_columns(schema, table)
                schema = table.schema
                yield table, {index: record for index, record in enumerate(block) if isinstance(record, str)}
        else:
            frame = read_table(self.path, encoding=self._args.encoding, typed=True)
            table = pa.table({name: _column(frame[name].tolist()) for name in frame})
            yield from ((table.slice(start, rows), {}) for start in range(0, len(table), rows))

    def _records(self) -> Iterator[dict[str, Any] | str]:
        """Yield each row of a text file as a dict, or why it cannot be parsed."""
        encoding = "utf-8-sig" if self._args.encoding.lower() in ("utf-8", "utf8") else self._args.encoding
        with self.path.open(encoding=encoding, newline="") as file:
            if self._suffix == ".jsonl":
                for row in read_json_lines(file):
                    values = [row.get(name) for name in self.text_columns] if isinstance(row, dict) else []
                    yield row if all(isinstance(value, str | None) for value in values) else "the text is not a string"
            else:
                usual, given = self._trained_with.get("delimiter"), self._args.delimiter
                self.delimiter, rows = read_csv(file, self._suffix, given, self._args.quoting, usual)
                yield from rows


def _column(values: list[Any]) -> pa.Array:
    """Return an array; values of several kinds become text."""
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _text_column(values)
    # Parquet has no objects without names.
    return _text_column(values) if "struct<>" in str(array.type) else array


def _text_column(values: list[Any]) -> pa.Array:
    return pa.array([value if value is None else _as_text(value) for value in values], pa.string())


def _with_columns(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """Return a block with the types of `schema`, that of the blocks before, or common ones: if there is none, text."""
    for index, field in enumerate(table.schema):
        known = schema.field(field.name) if field.name in schema.names else field
        try:
            pa.unify_schemas([pa.schema([known]), pa.schema([field])], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            table = table.set_column(index, field.name, _text_column(table[field.name].to_pylist()))
            schema = schema.set(schema.get_field_index(field.name), pa.field(field.name, pa.string()))
    return pa.concat_tables([schema.empty_table(), table], promote_options="permissive")


def _as_text(value: Any) -> str:
    is_json = isinstance(value, (list, dict, bool, int, float))
    return json.dumps(value, ensure_ascii=False, default=str) if is_json else str(value)


def write_table(
    path: Path, table: pa.Table, *, delimiter: str | None = None, encoding: str = "utf-8", escape_formulas: bool = False
) -> None:
    """Write a table as .csv, .tsv, .jsonl, .parquet, .xlsx or .txt (only the column `prediction`), atomically.

    In .csv, .tsv and .xlsx a list of names is joined by semicolons, other nested values are JSON, and `escape_formulas`
    writes an apostrophe before text that a spreadsheet would compute. What `encoding` does not have becomes "?", and
    .xlsx loses control characters.
    """
    suffix, rows = path.suffix.lower(), [] if path.suffix.lower() == ".parquet" else table.to_pylist()
    names = [_cell(name, escape_formulas) for name in table.schema.names]
    cells = ([_cell(value, escape_formulas) for value in row.values()] for row in rows)
    with atomic_write(path) as tmp_path:
        if suffix == ".parquet":
            pq.write_table(table, tmp_path)
        elif suffix == ".xlsx":
            frame = pd.DataFrame(cells, columns=names).map(
                lambda v: NOT_IN_EXCEL.sub("", v) if isinstance(v, str) else v
            )
            with tmp_path.open("wb") as excel, pd.ExcelWriter(excel, engine="openpyxl") as writer:
                frame.to_excel(writer, index=False)
                for cell in (cell for row in writer.book.active.iter_rows() for cell in row):
                    # Text that begins with "=", or is the name of an error.
                    cell.data_type = "s" if cell.data_type in ("f", "e") else cell.data_type
        else:
            with tmp_path.open("w", encoding=encoding, errors="replace", newline="") as file:
                if suffix == ".jsonl":
                    finite = ({name: None if value != value else value for name, value in row.items()} for row in rows)
                    file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in finite)
                elif suffix == ".txt":
                    file.writelines(f"{_cell(row['prediction'], False) or ''}\n" for row in rows)
                else:
                    writer = csv.writer(file, delimiter=delimiter or DELIMITERS[suffix], lineterminator="\n")
                    writer.writerows(chain([names], cells))


def _cell(value: Any, escape_formulas: bool) -> Any:
    is_date = isinstance(value, date) and value.year >= 1900 and not getattr(value, "tzinfo", None)  # as Excel has it
    if value is None or isinstance(value, (int, float)) or is_date:
        return value
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        value = ";".join(value)
    text = re.sub(r"\r(?!\n)", "\n", _as_text(value))  # csv does not quote a carriage return alone
    return f"'{text}" if escape_formulas and FORMULA.match(text) else text
