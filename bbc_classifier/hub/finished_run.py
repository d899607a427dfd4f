"""A finished run that may be shown to others: everything is there, and the record is about these very weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bbc_classifier.described_files import refuse_other_files
from bbc_classifier.errors import InputError
from bbc_classifier.hub.record_shape import refuse_other_record
from bbc_classifier.records import parse_json

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder and record.

    Attributes:
        folder: The run folder.
        record: Its record.
        record_bytes: The file of it, as it was read.
    """

    folder: Path
    record: dict[str, Any]
    record_bytes: bytes = b""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def model(self) -> Path:
        """The folder of the classifier."""
        return self.folder / "model"


def open_finished_run(path: str) -> FinishedRun:
    """Return the run, once the files of its classifier are found to be those of its record.

    Raises:
        InputError: There is no finished run, its record is damaged, or describes other files.
    """
    folder = Path(path)
    record = folder / "record.json"
    if not record.is_file():
        raise InputError(f"'{path}' is no finished run: it has no record.json; train one with: bbc-classifier train")
    weights = folder / "model" / WEIGHTS
    if not weights.is_file():
        raise InputError(f"'{path}' has no model/{WEIGHTS}; only the run folder that `train` wrote can be published")
    raw = record.read_bytes()
    content = parse_json(raw, f"'{record}'")
    refuse_other_record(f"'{record}'", content)
    # A card would state the figures of another model.
    refuse_other_files(f"'{path}'", record, weights, lambda name: weights.with_name(name))
    return FinishedRun(folder, content, raw)
