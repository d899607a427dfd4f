"""One row per article: what was true, what was said, how sure. No article text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from bbc_classifier.records import written_whole


def write_predictions(
    path: Path,
    row_ids: Sequence[str],
    targets: np.ndarray,
    given: np.ndarray,
    probabilities: np.ndarray | None,
    names: Sequence[str],
) -> None:
    """Write `row_id`, `label`, `prediction` and `p_<label>` (float64) per row as Parquet, whole or not at all.

    Args:
        path: The file.
        row_ids: Name of each row.
        targets: (rows,) class indices, written as names; or (rows, labels) of 0/1, written as lists of names.
        given: What the classifier gave, in the form of `targets`.
        probabilities: (rows, labels), or None for a classifier that has none.
        names: The label names, in the order of the columns.
    """
    columns: dict[str, object] = {
        "row_id": list(row_ids),
        "label": _named(targets, names),
        "prediction": _named(given, names),
    }
    if probabilities is not None:
        columns |= {f"p_{name}": probabilities[:, index] for index, name in enumerate(names)}
    with written_whole(path) as beside:
        parquet.write_table(pa.table(columns), beside)


def read_predictions(path: Path, names: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return row ids, targets and probabilities (rows, labels) of a file written above."""
    table = parquet.read_table(path)
    probabilities = np.column_stack([table[f"p_{name}"].to_numpy() for name in names])
    return table["row_id"].to_pylist(), _numbered(table["label"], names), probabilities


def read_given(path: Path, names: Sequence[str]) -> np.ndarray:
    """Return what the classifier gave, as it was handed to `write_predictions`."""
    return _numbered(parquet.read_table(path, columns=["prediction"])["prediction"], names)


def _named(values: np.ndarray, names: Sequence[str]) -> pa.Array:
    if values.ndim == 1:
        return pa.array([names[index] for index in values], pa.string())
    sets = [[name for name, there in zip(names, row, strict=True) if there] for row in values]
    return pa.array(sets, pa.list_(pa.string()))


def _numbered(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    index_of = {name: index for index, name in enumerate(names)}
    if not pa.types.is_list(column.type):
        return np.array([index_of[name] for name in column.to_pylist()], dtype=np.int64)
    values = np.zeros((len(column), len(names)), dtype=bool)
    for row, given in enumerate(column.to_pylist()):
        values[row, [index_of[name] for name in given]] = True
    return values
