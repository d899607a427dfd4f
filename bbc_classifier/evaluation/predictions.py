"""One row per article: what was true, what was said, how sure. No article text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from bbc_classifier.records import written_whole


def write_predictions(
    path: Path, row_ids: Sequence[str], labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> None:
    """Write `row_id`, `label`, `prediction` and `p_<label>` (float64) per row as Parquet, whole or not at all."""
    columns: dict[str, object] = {
        "row_id": list(row_ids),
        "label": [names[index] for index in labels],
        "prediction": [names[index] for index in probabilities.argmax(axis=1)],
        **{f"p_{name}": probabilities[:, index] for index, name in enumerate(names)},
    }
    with written_whole(path) as beside:
        parquet.write_table(pa.table(columns), beside)


def read_predictions(path: Path, names: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return row ids, label indices (rows,) and probabilities (rows, labels) of a file written above."""
    table = parquet.read_table(path).to_pydict()
    index_of = {name: index for index, name in enumerate(names)}
    labels = np.array([index_of[name] for name in table["label"]])
    return table["row_id"], labels, np.column_stack([table[f"p_{name}"] for name in names])
