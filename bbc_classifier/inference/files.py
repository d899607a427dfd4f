"""Classifying a file: every row and column of it comes out again, with the answer beside."""

import logging
from pathlib import Path

import pyarrow as pa

from bbc_classifier.data.broken_rows import broken_texts
from bbc_classifier.data.columns import choose_text_columns
from bbc_classifier.data.file_source import names_several
from bbc_classifier.data.formats.delimited import DELIMITERS
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.data.formats.spreadsheet import spreadsheet_safe
from bbc_classifier.data.formats.write import check_output_file, write_table
from bbc_classifier.data.labelled_table import joined_text
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError
from bbc_classifier.inference.answer_columns import answer_columns, answer_names, refuse_taken_names
from bbc_classifier.inference.classifier import Prediction, TextClassifier
from bbc_classifier.inference.options import PredictArguments

logger = logging.getLogger(__name__)


def check_files(options: PredictArguments) -> None:
    """Check what can be said of input and output before the classifier is loaded.

    Raises:
        InputError: One of the two is missing, or the output must not be written.
    """
    if not (options.input and options.output):
        raise InputError("--input and --output go together: a file of texts, and the file to write")
    output = Path(options.output)
    if names_several(options.input):
        raise InputError(
            f"--input: '{options.input}' is a folder or a pattern, whose answers go to a folder: give --output a name "
            f"without an ending, not '{output}'"
        )
    check_output_file(output, overwrite=options.overwrite)
    if options.spreadsheet_safe and output.suffix.lower() not in DELIMITERS:
        raise InputError(f"--spreadsheet_safe is for {' and '.join(DELIMITERS)}, not '{output.suffix}'")
    if output.exists() and Path(options.input).exists() and output.samefile(options.input):
        raise InputError(f"--output: '{output}' is the input; choose another name")


def predict_file(classifier: TextClassifier, options: PredictArguments, columns: ColumnArguments) -> list[Prediction]:
    """Classify the rows of `--input` and write them, in their order, with the answers to `--output`.

    Added are the columns `prediction` (of a multi-label classifier a list of labels), `confidence`, and `p_<label>` for
    each label; with `top_k`, the others are null.

    Returns:
        The answers, in the order of the rows.

    Raises:
        InputError: The file is missing or broken, has no such column, a row without a text, or one of the columns that
            are to be added.
        WorldError: A file cannot be read or written.
    """
    source, output = Path(str(options.input)), Path(str(options.output))
    table = read_table(source, delimiter=columns.delimiter)
    names = choose_text_columns(f"'{source}'", table.schema.names, columns.text_column)
    logger.info("text from %s", " and ".join(f"'{name}'" for name in names))
    texts = joined_text(f"'{source}'", table, names)
    _refuse_broken_texts(source, names, texts)
    refuse_taken_names(f"'{source}'", table.schema.names, answer_names(classifier.label_names))
    answers = classifier.predict(texts.to_pylist(), top_k=options.top_k, min_confidence=options.min_confidence)
    for name, values in answer_columns(classifier, answers).items():
        table = table.append_column(name, values)
    if options.spreadsheet_safe:
        table = spreadsheet_safe(table)
    write_table(output, table, line="prediction")
    return answers


def _refuse_broken_texts(source: Path, names: list[str], texts: pa.ChunkedArray) -> None:
    broken = broken_texts(texts)
    if broken:
        row = min(broken)
        column = "', '".join(names)
        more = f"; of {len(broken)} broken rows it is the first" if len(broken) > 1 else ""
        raise InputError(
            f"'{source}', row {row + 1}, column '{column}': {broken[row]}{more}; every row needs a text to classify"
        )
