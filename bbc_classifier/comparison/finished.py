"""One finished training or baseline, read back from its folder: what it was, and what it answered. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bbc_classifier.comparison.record_shape import refuse_other_record
from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError
from bbc_classifier.records import read_json

# What the library's training arguments have where a record says nothing: records hold what differs from it.
DEFAULT_SEED = 42
# What may differ between the cells of one configuration.
OF_A_CELL = frozenset({"seed", "data_seed", "fold", "max_train_samples", "refit_probe"})


@dataclass(frozen=True)
class Finished:
    """A finished cell.

    Attributes:
        folder: Where it lies.
        record: Its record.
        row_ids: The rows it was tested on.
        truth: The label of each of them.
        given: What it answered.
        probabilities: (rows, labels) float64 in the order of `labels`; None where it has none.
    """

    folder: Path
    record: dict[str, Any]
    row_ids: list[str]
    truth: list[str]
    given: list[str]
    probabilities: np.ndarray | None

    @property
    def baseline(self) -> str | None:
        """The name of a baseline; None for a trained classifier."""
        return self.record.get("baseline")

    @property
    def encoder(self) -> str | None:
        """The encoder's name; None for a baseline."""
        return None if self.baseline else self.record["encoder"]["name"]

    @property
    def pooling(self) -> str | None:
        """The pooling; None for a baseline."""
        return None if self.baseline else self.record["options"]["model"]["pooling"]

    @property
    def name(self) -> str:
        """The configuration's name."""
        return self.baseline or f"{self.encoder}-{self.pooling}"

    @property
    def seed(self) -> int | None:
        """The seed; None for a baseline, which draws nothing."""
        return None if self.baseline else self.record["options"]["training"].get("seed", DEFAULT_SEED)

    @property
    def fold(self) -> int | None:
        """Which fold was test; None on the fixed split."""
        return self.record["options"]["data"]["fold"]

    @property
    def folds(self) -> int | None:
        """Of how many."""
        return self.record["options"]["data"]["folds"]

    @property
    def train_size(self) -> int | None:
        """To how many training rows it was limited; None for all."""
        return self.record["options"]["data"]["max_train_samples"]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the split it was trained and tested by."""
        return self.record["data"]["split_fingerprint"]

    @property
    def labels(self) -> list[str]:
        """The label names, in the order of their indices."""
        return self.record["evaluation"]["test"]["confusion_matrix"]["labels"]

    def recipe(self) -> dict[str, Any]:
        """Return every option that all cells of one configuration share, by name."""
        groups = self.record["options"]
        options = {
            name: value for group in ("model", "data", "training") for name, value in groups.get(group, {}).items()
        }
        return {name: value for name, value in options.items() if name not in OF_A_CELL}


def cell_name(name: str, fold: int | None, train_size: int | None) -> str:
    """Return the name of a cell's folder; what is None is not in it."""
    return name + ("" if fold is None else f"-fold{fold}") + ("" if train_size is None else f"-rows{train_size}")


def read_finished(folder: Path) -> Finished:
    """Read a finished run or baseline.

    Raises:
        InputError: The folder holds no finished one, it is damaged, or its rows can have any number of labels.
    """
    path = folder / "record.json"
    if not path.is_file():
        raise InputError(f"'{folder}' holds no finished run: it has no record.json")
    record = read_json(path)
    if isinstance(record, dict) and record.get("problem_type") == "multi_label_classification":
        raise InputError(f"'{folder}' is a multi-label run; a comparison is of classifiers that give one label")
    refuse_other_record(f"'{path}'", record)
    labels = record["evaluation"]["test"]["confusion_matrix"]["labels"]
    file = folder / "predictions" / "test.parquet"
    table = read_table(file)
    _refuse_other_answers(f"'{file}'", table, labels)
    columns = [f"p_{label}" for label in labels]
    has_them = set(columns) <= set(table.column_names)
    return Finished(
        folder=folder,
        record=record,
        row_ids=table["row_id"].to_pylist(),
        truth=table["label"].to_pylist(),
        given=table["prediction"].to_pylist(),
        probabilities=np.column_stack([table[column].to_numpy() for column in columns]) if has_them else None,
    )


def _refuse_other_answers(place: str, table: pa.Table, labels: list[str]) -> None:
    """Check that these are answers to rows, by the labels of the record.

    Raises:
        InputError: They are not.
    """
    for name in ("row_id", "label", "prediction"):
        if name not in table.column_names or table.schema.field(name).type != pa.string():
            raise InputError(f"{place} is damaged: it has no column '{name}' of text")
        values = table[name].to_pylist()
        strange = [value for value in values if value is None or (name != "row_id" and value not in labels)]
        if strange:
            raise InputError(f"{place} is damaged: its column '{name}' holds {strange[0]!r:.80}")
        if name == "row_id" and len(set(values)) < len(values):
            raise InputError(f"{place} is damaged: a row is there twice")
    for name in {f"p_{label}" for label in labels} & set(table.column_names):
        shares = table[name].to_numpy() if pa.types.is_floating(table.schema.field(name).type) else np.array([np.nan])
        if not ((shares >= 0) & (shares <= 1)).all():
            raise InputError(f"{place} is damaged: its column '{name}' holds no probabilities")


def find_finished(paths: list[Path]) -> list[Finished]:
    """Read every finished run in folders of runs, comparisons, or runs themselves.

    Raises:
        InputError: A path holds none, or a damaged one.
    """
    found: dict[Path, Finished] = {}
    for path in paths:
        folders = (
            [path]
            if (path / "record.json").is_file()
            else sorted(
                record.parent for pattern in ("*/record.json", "runs/*/record.json") for record in path.glob(pattern)
            )
        )
        if not folders:
            raise InputError(f"'{path}' holds no finished run: neither a record.json nor folders with one")
        found |= {folder.resolve(): read_finished(folder) for folder in folders}
    return list(found.values())
