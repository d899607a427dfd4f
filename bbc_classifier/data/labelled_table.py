"""The one table of row id, text, label and side: made of the tables of files or splits, and what is read from it."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Dataset, Features, Value
from datasets.fingerprint import generate_random_fingerprint

from bbc_classifier.data.columns import Columns, choose_columns, listed
from bbc_classifier.data.label_names import label_kind, name_labels, read_label_map, read_marks
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Part:
    """The rows of one file or one split of a data set.

    Attributes:
        name: First half of the row ids; the second is the row's number, counted from 1.
        place: What messages call it.
        table: The rows, with their own columns.
        side: "train", "validation" or "test", or None where nothing says.
    """

    name: str
    place: str
    table: pa.Table
    side: str | None


def labelled_table(parts: Sequence[Part], options: DataArguments) -> tuple[Dataset, Columns]:
    """Return the table that `Source.read` promises, and which columns it was made of.

    Raises:
        InputError: The text or the label is not to be found, is of no legal kind, or not in every part.
    """
    first = parts[0]
    columns = choose_columns(first.place, first.table.schema.names, options.text_column, options.label_column)
    _check_columns(parts, columns)
    logger.info(
        "columns %s: text from %s, label from '%s'",
        listed(first.table.schema.names),
        " and ".join(f"'{name}'" for name in columns.text),
        columns.label,
    )
    _check_label_kinds(parts, columns.label)
    marks = [read_marks(part.place, part.table, columns.label, options.label_separator) for part in parts]
    feature, labels = name_labels([part.place for part in parts], marks, read_label_map(options.label_map))
    features = {"row_id": Value("string"), "text": Value("string"), "label": feature}
    arrays = {
        "row_id": pa.chunked_array([row_ids(part.name, part.table.num_rows) for part in parts]),
        "text": pa.chunked_array(
            [chunk for part in parts for chunk in joined_text(part.place, part.table, columns.text).chunks], pa.string()
        ),
        "label": pa.chunked_array([pa.array(numbers, Features(x=feature).arrow_schema.types[0]) for numbers in labels]),
    }
    if any(part.side for part in parts):
        features["side"] = Value("string")
        arrays["side"] = pa.chunked_array([pa.repeat(part.side, part.table.num_rows) for part in parts])
    schema = Features(features).arrow_schema
    # The library would hash all rows for a name of its cache, where nothing of this goes, and could not beyond 2 GiB.
    return Dataset(pa.table(arrays).cast(schema), fingerprint=generate_random_fingerprint()), columns


def row_ids(name: str, rows: int) -> pa.Array:
    """Return "name:1", "name:2" and so on."""
    return pc.binary_join_element_wise(name, pa.array(range(1, rows + 1)).cast(pa.string()), ":")


def joined_text(place: str, table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """Return the text of each row: its columns without outer spaces, joined by line breaks; empty where all are.

    A piece at a time: one array of text holds 2 GiB at most.

    Raises:
        InputError: A column holds no text.
    """
    for name in columns:
        kind = table.schema.field(name).type
        if not (pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise InputError(f"{place}, column '{name}': holds {kind}, not text")
    batches = table.select(columns).to_batches(max_chunksize=ROWS_AT_ONCE)
    return pa.chunked_array([_joined(batch).cast(pa.string()) for batch in batches], pa.string())


def _joined(batch: pa.RecordBatch) -> pa.Array:
    columns = [values.cast(pa.large_string()) for values in batch.columns]
    trimmed = [pc.fill_null(pc.utf8_trim_whitespace(values), "") for values in columns]
    joined = pc.binary_join_element_wise(*trimmed, pa.scalar("\n", pa.large_string()))
    # An empty first or last column leaves a line break behind.
    return pc.utf8_trim_whitespace(joined)


def _check_columns(parts: Sequence[Part], columns: Columns) -> None:
    """Check that every part has the columns that were chosen in the first.

    Raises:
        InputError: One lacks a column.
    """
    for part in parts:
        names = part.table.schema.names
        for name in (*columns.text, columns.label):
            if name not in names:
                raise InputError(
                    f"{part.place} has no column '{name}', unlike {parts[0].place}; it has {listed(names)}: every file "
                    "needs the columns of text and label"
                )


def _check_label_kinds(parts: Sequence[Part], label: str) -> None:
    """Check that no part has numbers or truth values for labels where another has names: 3 is no name beside "sport".

    Raises:
        InputError: Two parts are of different kinds.
    """
    kinds = {kind: part.place for part in reversed(parts) if (kind := label_kind(part.table, label))}
    if len(kinds) > 1:
        (kind, place), (other, other_place) = sorted(kinds.items())[:2]
        raise InputError(
            f"{place}, column '{label}', holds {kind}, and {other_place} holds {other}: every file needs the same kind "
            "of label"
        )


def texts_of(table: Dataset) -> Iterator[str]:
    """Yield the text of each row, a batch in memory at a time."""
    for batch in table.select_columns("text").with_format("arrow").iter(batch_size=1000):
        yield from batch["text"].to_pylist()


def label_sets(table: Dataset) -> list[tuple[str, ...]]:
    """Return the label names of each row: one, or of multi-label data any number."""
    names = class_label(table).names
    labels = table["label"][:]
    if is_multi_label(table):
        return [tuple(names[index] for index in row) for row in labels]
    return [(names[index],) for index in labels]


def class_label(table: Dataset) -> ClassLabel:
    """Return the feature that carries the label names."""
    feature = table.features["label"]
    return feature if isinstance(feature, ClassLabel) else feature.feature


def is_multi_label(table: Dataset) -> bool:
    """Whether a row has a list of labels."""
    return not isinstance(table.features["label"], ClassLabel)
