"""Tables of texts: reading them in blocks, adding predictions to their rows, and writing them."""

import csv
import importlib.util
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bbc_classifier.config import PredictArguments
from bbc_classifier.data.labels import detect_text_columns, join_texts
from bbc_classifier.data.sources import CELL_FORMATS, read_table
from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import Prediction, TextClassifier
from bbc_classifier.io import atomic_write, read_json

DELIMITERS = {".csv": ",", ".tsv": "\t"}
INPUT_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".txt")
OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".txt")
BLOCK_ROWS = 5000
# Spreadsheets compute text that begins so; the wide forms count in some languages.
FORMULA = re.compile(r" *[=+\-@\t\r＝＋－＠]")

logger = logging.getLogger(__name__)


@dataclass
class PredictResult:
    """What became of the rows of one file, or of many.

    Attributes:
        output: The file or directory that was written.
        rows: How many texts were classified.
        invalid: How many rows had no text, or could not be parsed.
        truncated: How many texts were longer than the classifier reads.
        label_counts: How many texts got each label; "" counts those without one.
        max_input_tokens: How many tokens the classifier reads, None if there is no limit.
        complete: False if other processes of the same launch are still at work.
    """

    output: Path
    rows: int = 0
    invalid: int = 0
    truncated: int = 0
    label_counts: Counter[str] = field(default_factory=Counter)
    max_input_tokens: int | None = None
    complete: bool = True


class InputFile:
    """A file of rows with one or several text columns.

    Attributes:
        path: The file.
        delimiter: Between the cells of .csv and .tsv.
        schema: Its columns.
        num_rows: How many rows it has, those that cannot be parsed included.
        text_columns: Columns of the text, joined by line breaks.
    """

    def __init__(self, path: Path, args: PredictArguments):
        """Read the file once, a block at a time, for its columns and the number of its rows.

        Args:
            path: The file.
            args: Columns and format. Where they are not set, those that the classifier was trained with are used if
                they fit the file.

        Raises:
            UserError: There is no such file, it cannot be read as what its extension says, or has no such column.
        """
        self.path, self._args, self._suffix = path, args, path.suffix.lower()
        if not path.is_file() or self._suffix not in INPUT_FORMATS:
            problem = f"must be one of {', '.join(INPUT_FORMATS)}" if path.is_file() else "does not exist"
            raise UserError(f"--input: the file '{path}' {problem}")
        trained_with = _run_data_options(args.model)
        self.delimiter = self._find_delimiter(trained_with.get("delimiter")) if self._suffix in DELIMITERS else None
        self.schema, self.num_rows = pa.schema([]), 0
        if self._suffix == ".parquet":
            self.schema, self.num_rows = pq.read_schema(path), pq.read_metadata(path).num_rows
        else:
            for table, invalid in self.blocks(BLOCK_ROWS):
                self.schema, self.num_rows = table.schema, self.num_rows + max(table.num_rows, len(invalid))
        columns = trained_with.get("text_column") or []
        wanted = args.text_column or (columns if set(columns) <= set(self.schema.names) else None)
        self.text_columns = detect_text_columns(f"'{path}'", self.schema.names, wanted)

    def blocks(self, rows: int) -> Iterator[tuple[pa.Table, dict[int, str]]]:
        """Yield `rows` rows at a time, in their order; only .json and .xlsx files are read whole.

        Yields:
            The rows, and by its index why a row could not be parsed; such a row is null in every column.

        Raises:
            UserError: The file is damaged, or its encoding is another one.
        """
        try:
            if self._suffix in (".parquet", ".json", ".xlsx"):
                if self._suffix == ".parquet":
                    batches = pq.ParquetFile(self.path).iter_batches(rows)
                else:
                    frame = read_table(self.path, encoding=self._args.encoding)
                    batches = pa.table({name: _column(frame[name].tolist()) for name in frame}).to_batches(rows)
                yield from ((pa.Table.from_batches([batch]), {}) for batch in batches)
                return
            schema = self.schema
            with self._open() as file:
                records = self._records(file)
                while block := list(islice(records, rows)):
                    parsed = [{} if isinstance(record, str) else record for record in block]
                    names = dict.fromkeys([*schema.names, *(name for record in parsed for name in record)])
                    table = pa.table({name: _column([record.get(name) for record in parsed]) for name in names})
                    # A .jsonl file may lack a column, or hold whole numbers only, in some of its blocks.
                    table = pa.concat_tables([schema.empty_table(), table], promote_options="permissive")
                    schema = table.schema
                    yield table, {index: record for index, record in enumerate(block) if isinstance(record, str)}
        except UnicodeDecodeError as error:
            raise UserError(
                f"'{self.path}' is not encoded in {self._args.encoding} ({error.reason}): set --encoding"
            ) from error
        except (pa.ArrowException, csv.Error) as error:
            raise UserError(f"'{self.path}' cannot be read: {' '.join(str(error).split())[:300]}") from error

    def texts(self, table: pa.Table) -> list[str | None]:
        """Return the text of each row of a block, None where there is none."""
        frame = table.select(self.text_columns).to_pandas()
        return join_texts(f"'{self.path}'", frame, self.text_columns, cells=self._suffix in CELL_FORMATS)

    def _open(self, errors: str = "strict") -> TextIO:
        encoding = "utf-8-sig" if self._args.encoding == "utf-8" else self._args.encoding
        try:
            return self.path.open(encoding=encoding, errors=errors, newline="" if self._suffix in DELIMITERS else None)
        except LookupError as error:
            raise UserError(f"--encoding: Python has no encoding '{encoding}'") from error

    def _find_delimiter(self, trained_with: str | None) -> str:
        if self._args.delimiter:
            return self._args.delimiter.replace("\\t", "\t")
        with self._open("replace") as file:
            header = file.readline().strip("\r\n")
        if header.lower().startswith("sep=") and len(header) == 5:
            return header[4]
        default = DELIMITERS[self._suffix]
        found = next((mark for mark in (default, trained_with, *";,\t|") if mark and mark in header), default)
        if found not in (default, trained_with):
            raise UserError(f"'{self.path}': the columns seem to be separated by {found!r}; add --delimiter")
        return found

    def _records(self, file: TextIO) -> Iterator[dict[str, Any] | str]:
        """Yield each row as a dict, or why it cannot be parsed."""
        if self._suffix == ".txt":
            yield from ({"text": line.rstrip("\n")} for line in file)
        elif self._suffix == ".jsonl":
            yield from (_parse_json(line) for line in file if line.strip())
        else:
            csv.field_size_limit(1 << 26)
            quoting = csv.QUOTE_NONE if self._args.quoting == "none" else csv.QUOTE_MINIMAL
            cells = csv.reader(file, delimiter=self.delimiter or ",", quoting=quoting, strict=True)  # type: ignore[arg-type]
            rows = filter(None, cells)
            header = next(rows, [])
            if header and header[0].lower().startswith("sep="):
                header = next(rows, [])
            repeated = [name for name, count in Counter(filter(None, header)).items() if count > 1]
            if repeated:
                raise UserError(f"'{self.path}': two columns are named '{repeated[0]}'; rename one")
            for row in rows:
                if len(row) == len(header):
                    yield {name: cell for name, cell in zip(header, row, strict=True) if name}
                else:
                    yield f"{len(row)} cells, but the header has {len(header)}"


def _parse_json(line: str) -> dict[str, Any] | str:
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()  # fails for half a surrogate pair
    except ValueError as error:
        return f"not JSON, or not Unicode: {error}"
    return record if isinstance(record, dict) else "not a JSON object"


def _column(values: list[Any]) -> pa.Array:
    """Return an array; values of several kinds become text."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([value if value is None else _as_text(value) for value in values], pa.string())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _run_data_options(model: str) -> dict[str, Any]:
    """Return the data options that a classifier was trained with; empty unless `model` is in a run directory."""
    for record in (Path(model) / "record.json", Path(model).parent / "record.json"):
        if record.is_file():
            return read_json(record).get("options", {}).get("data", {})
    return {}


def predict_rows(
    classifier: TextClassifier, texts: Sequence[str | None], args: PredictArguments
) -> tuple[list[Prediction | None], dict[str, pa.Array]]:
    """Return the prediction of each text, None for None, and the columns that are added to a table.

    The columns are `prediction` (a list of labels for a multi-label classifier), `confidence` and `p_<label>`. They are
    null for rows without a text, for the prediction of an unsure classifier, and for labels beyond `top_k`.
    """
    found = iter(classifier.predict([text for text in texts if text is not None], args.top_k, args.min_confidence))
    predictions = [None if text is None else next(found) for text in texts]
    multi_label = classifier.multi_label
    labels = [prediction and (prediction.labels if multi_label else prediction.label) for prediction in predictions]
    columns = {
        "prediction": pa.array(labels, pa.list_(pa.string()) if multi_label else pa.string()),
        "confidence": pa.array([prediction and prediction.confidence for prediction in predictions], pa.float64()),
    }
    for name in classifier.label_names:
        values = [prediction and prediction.probabilities.get(name) for prediction in predictions]
        columns[f"p_{name}"] = pa.array(values, pa.float64())
    return predictions, columns


def count_predictions(result: PredictResult, predictions: Iterable[Prediction | None]) -> None:
    """Add predictions to the counts of a result."""
    for prediction in predictions:
        if prediction is None:
            result.invalid += 1
        else:
            result.rows += 1
            result.truncated += prediction.truncated
            result.label_counts.update(prediction.labels or [""])


def validate_new_columns(path: Path, kept: Sequence[str], label_names: Sequence[str], *more: str) -> None:
    """Check that no column of the input has the name of one that is added (UserError)."""
    taken = [
        name for name in (*more, "prediction", "confidence", *(f"p_{label}" for label in label_names)) if name in kept
    ]
    if taken:
        raise UserError(f"--input: '{path}' has a column '{taken[0]}', which prediction adds; rename it")


def write_table(
    path: Path, table: pa.Table, *, delimiter: str | None = None, encoding: str = "utf-8", escape_formulas: bool = False
) -> None:
    """Write a table in the format of the extension, atomically.

    In .csv, .tsv and .xlsx a list of names is joined by semicolons, and other nested values are JSON. A .txt file gets
    the column `prediction`.

    Args:
        path: .csv, .tsv, .jsonl, .parquet, .xlsx or .txt.
        table: The rows.
        delimiter: Between the cells of .csv and .tsv; None means comma and tab.
        encoding: Of text files; characters that it does not have become "?".
        escape_formulas: Write an apostrophe before text that a spreadsheet would compute (.csv, .tsv, .xlsx).

    Raises:
        EnvironmentFailure: The disk is full or the directory cannot be written.
    """
    suffix, names = path.suffix.lower(), table.schema.names
    with atomic_write(path) as tmp_path:
        if suffix == ".parquet":
            pq.write_table(table, tmp_path)
            return
        rows = table.to_pylist()
        cells = ([_cell(value, escape_formulas) for value in row.values()] for row in rows)
        if suffix == ".xlsx":
            with tmp_path.open("wb") as excel:
                pd.DataFrame(cells, columns=names).to_excel(excel, index=False, engine="openpyxl")
            return
        with tmp_path.open("w", encoding=encoding, errors="replace", newline="") as file:
            if suffix == ".jsonl":
                finite = ({name: None if value != value else value for name, value in row.items()} for row in rows)
                file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in finite)
            elif suffix == ".txt":
                file.writelines(f"{_cell(row['prediction'], False) or ''}\n" for row in rows)
            else:
                writer = csv.writer(file, delimiter=delimiter or DELIMITERS[suffix], lineterminator="\n")
                writer.writerow([_cell(name, escape_formulas) for name in names])
                writer.writerows(cells)


def _cell(value: Any, escape_formulas: bool) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        value = ";".join(value)
    text = _as_text(value)
    return f"'{text}" if escape_formulas and FORMULA.match(text) else text


def predict_file(args: PredictArguments) -> PredictResult:
    """Write every row and column of `args.input` with its prediction to `args.output_file`.

    A row without a text gets an empty prediction.

    Raises:
        UserError: A file or option is not valid.
        EnvironmentFailure: The Hub cannot be reached, or the file cannot be written.
    """
    source, target = Path(str(args.input)), Path(str(args.output_file))
    _validate_target(args, source, target)
    file = InputFile(source, args)
    blocks = list(file.blocks(BLOCK_ROWS))
    for block, (_, reasons) in enumerate(blocks):
        for index, reason in reasons.items():
            row = block * BLOCK_ROWS + index + 1
            raise UserError(f"'{source}', row {row}: {reason}; correct it, or skip such rows with --output_dir")
    classifier = TextClassifier.from_pretrained(args.model, args.revision, args.device)
    validate_new_columns(source, file.schema.names, classifier.label_names)
    classifier.progress = True
    table = pa.concat_tables([file.schema.empty_table(), *(table for table, _ in blocks)], promote_options="permissive")
    predictions, columns = predict_rows(classifier, file.texts(table), args)
    for name, values in columns.items():
        table = table.append_column(name, values)
    delimiter = file.delimiter if source.suffix.lower() == target.suffix.lower() else None
    write_table(target, table, delimiter=delimiter, encoding=args.encoding, escape_formulas=args.escape_formulas)
    result = PredictResult(target, max_input_tokens=classifier.config.max_input_tokens)
    count_predictions(result, predictions)
    if result.invalid:
        logger.warning("%d of %d rows have no text; their prediction is empty", result.invalid, table.num_rows)
    return result


def _validate_target(args: PredictArguments, source: Path, target: Path) -> None:
    suffix = target.suffix.lower()
    if source.is_dir() or (re.search("[*?[]", str(source)) and not source.is_file()):
        raise UserError(f"--input: '{source}' means several files: set --output_dir in place of --output_file")
    if suffix not in OUTPUT_FORMATS or target.is_dir():
        raise UserError(f"--output_file: '{target}' must be a file with an extension of {', '.join(OUTPUT_FORMATS)}")
    if suffix == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise UserError("--output_file: .xlsx needs openpyxl: pip install openpyxl")
    if args.escape_formulas and suffix not in (*DELIMITERS, ".xlsx"):
        raise UserError(f"--escape_formulas is for .csv, .tsv and .xlsx, not {suffix}")
    if target.exists() and source.exists() and target.samefile(source):
        raise UserError(f"--output_file: '{target}' is the input; choose another name")
    if target.exists() and not args.overwrite:
        raise UserError(f"--output_file: '{target}' exists; add --overwrite or choose another name")
