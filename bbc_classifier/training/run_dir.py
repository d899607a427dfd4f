"""The directory of one run: its files, whether it is finished, and where training resumes."""

import json
import shutil
from pathlib import Path
from typing import Any

from bbc_classifier.errors import UserError
from bbc_classifier.io import read_json, remove, write_json

TRAINER_STATE = "trainer_state.json"
CHECKPOINT_PREFIX = "checkpoint-"


class RunDirectory:
    """Paths and state of a run directory. `record.json` is written last: a run that has it is finished."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.record = self.path / "record.json"  # everything about the finished run: every published figure
        self.options = self.path / "options.json"  # the options that decide whether a second start is the same run
        self.model = self.path / "model"  # the classifier with its tokenizer
        self.split = self.path / "split.json"  # the row ids of each split, and their fingerprint
        self.seen_texts = self.path / "seen_texts.json"  # hashes of training and validation texts, and excerpts
        self.history = self.path / "history.json"  # the Trainer's log
        self.figures = self.path / "figures"
        self.predictions = self.path / "predictions"  # a table per evaluated split
        self.logs = self.path / "logs"  # TensorBoard's event files
        self.checkpoints = self.path / "checkpoints"  # the Trainer's, deleted when the run is finished
        self.export = self.path / "export"
        self.card = self.path / "README.md"

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained, evaluated and recorded."""
        return self.record.is_file()

    def is_finished_with(self, options: dict[str, Any]) -> bool:
        """Return whether a finished run with the same options is here; a UserError names an option that differs."""
        if not self.options.is_file():
            return False
        difference = first_difference(read_json(self.options), json.loads(json.dumps(options)))
        if difference and (self.is_finished or self.model.exists() or self.newest_checkpoint()):
            raise UserError(
                f"--output_dir: '{self.path}' holds a run with other options ({difference}); add --overwrite to "
                "replace it, or choose another --output_dir"
            )
        return self.is_finished

    def newest_checkpoint(self) -> Path | None:
        """Return the newest complete checkpoint, or None. Incomplete ones were being written when a process died."""
        return max(filter(_is_complete, self._checkpoints()), key=_step, default=None)

    def checkpoint_to_resume(self, requested: str | None) -> Path | None:
        """Return the checkpoint that training resumes from, or None if it starts from the beginning.

        `requested` is `--resume_from_checkpoint`: None, "last" or "true" (the newest), or a checkpoint's directory.
        """
        newest, choice = self.newest_checkpoint(), str(requested or "false").lower()
        if choice == "false" and newest:
            raise UserError(
                f"--output_dir: '{self.path}' holds an unfinished run; add --resume_from_checkpoint to resume it, or "
                "--overwrite to start again"
            )
        if choice in ("false", "last", "true"):
            return newest
        if not _is_complete(Path(str(requested))):
            raise UserError(
                f"--resume_from_checkpoint: '{requested}' is not a complete checkpoint (a directory with "
                f"{TRAINER_STATE}); give one, or 'last'"
            )
        return Path(str(requested))

    def start(self, options: dict[str, Any], checkpoint: Path | None, *, overwrite: bool) -> None:
        """Write the options of the run that starts; remove the earlier run, or checkpoints newer than `checkpoint`.

        Files in the directory that are not part of a run stay.
        """
        if overwrite:
            for path in set(vars(self).values()) - {self.path}:
                remove(path)
        for path in self._checkpoints():
            if checkpoint is None or (path.parent.samefile(checkpoint.parent) and _step(path) > _step(checkpoint)):
                remove(path)
        write_json(self.options, options)

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record and delete the checkpoints, in this order."""
        write_json(self.record, record)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def _checkpoints(self) -> list[Path]:
        return list(self.checkpoints.glob(f"{CHECKPOINT_PREFIX}[0-9]*"))


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_complete(checkpoint: Path) -> bool:
    try:  # the Trainer writes its state last
        return read_json(checkpoint / TRAINER_STATE) is not None
    except (OSError, ValueError):
        return False


def first_difference(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Return "name: old, now new" for the first option of any group that differs, or None."""
    for group, values in new.items():
        before = old.get(group, {})
        for name in sorted({*before, *values}):
            if before.get(name) != values.get(name):
                return f"{name}: {before.get(name)}, now {values.get(name)}"
    return None
