"""A data set of the Hub, with its own splits."""

import logging
from dataclasses import asdict
from typing import Any

from datasets import Dataset

from bbc_classifier.data.hub import read_hub_tables
from bbc_classifier.data.labelled_table import Part, labelled_table
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.side_names import side_of_split
from bbc_classifier.errors import InputError

logger = logging.getLogger(__name__)


class HubSource:
    """Rows of a Hub data set; a split that is no side, such as "unsupervised", is left out."""

    def __init__(self, options: DataArguments):
        self.name = options.dataset
        self.options = options
        self._columns: dict[str, Any] | None = None
        self._revision: str | None = None

    def read(self) -> Dataset:
        """Return the rows of every split that is a side.

        Raises:
            InputError: There is no such data set, configuration or revision, or its rows are not as they must be.
            WorldError: The Hub cannot be reached and the data set is not in the cache.
        """
        tables = read_hub_tables(self.name, self.options.dataset_config, self.options.dataset_revision)
        sides = {split: side_of_split(split) for split in tables.splits}
        # All there is, whatever it is called, can be split; but what is called test never trains.
        if list(sides.values()) == [None]:
            sides = dict.fromkeys(sides, "train")
        left_out = [split for split, side in sides.items() if side is None]
        if len(left_out) == len(sides):
            raise InputError(
                f"--dataset {self.name}: none of its splits ({', '.join(left_out)}) is train, validation or test"
            )
        if left_out:
            logger.info("%s: left out the splits %s", self.name, ", ".join(left_out))
        parts = [
            Part(split, f"{self.name}, split '{split}'", _arrow(tables.splits[split]), side)
            for split, side in sides.items()
            if side
        ]
        table, columns = labelled_table(parts, self.options)
        self._columns, self._revision = asdict(columns), tables.revision
        return table

    def identity(self) -> str | None:
        """Return the revision that was asked for; without one, only reading tells."""
        return self.options.dataset_revision

    def provenance(self) -> dict[str, Any]:
        """Return id, configuration, commit, columns and where the terms stand."""
        return {
            "name": self.name,
            "config": self.options.dataset_config,
            "revision": self._revision,
            "columns": self._columns,
            "terms": f"see https://huggingface.co/datasets/{self.name}",
        }


def _arrow(rows: Dataset) -> Any:
    """Return the rows as an Arrow table whose schema says which columns are class labels."""
    return rows.with_format("arrow")[:].cast(rows.features.arrow_schema)
