"""The directory of one run: what is in it, whether it is finished, and where training resumes."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bbc_classifier.errors import UserError
from bbc_classifier.io import read_json, remove, write_json

TRAINER_STATE = "trainer_state.json"
CHECKPOINT_PREFIX = "checkpoint-"


class RunDirectory:
    """Paths and state of a run directory. `record.json` is written last: a run that has it is finished.

    Attributes:
        path: The directory.
        record: Everything about the finished run, the source of every published figure.
        options: The options it was started with, which decide whether a second start is the same run.
        model: The classifier with its tokenizer.
        split: Row ids of each split, and their fingerprint.
        seen_texts: Hashes of the training and validation texts.
        history: The Trainer's log.
        figures: Learning curves and confusion matrices.
        predictions: A table of predictions per evaluated split.
        logs: TensorBoard's event files.
        checkpoints: The Trainer's checkpoints, deleted when the run is finished.
        export: Exported models.
        card: The model card of a published run.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.record, self.options = self.path / "record.json", self.path / "options.json"
        self.model, self.split = self.path / "model", self.path / "split.json"
        self.seen_texts, self.history = self.path / "seen_texts.json", self.path / "history.json"
        self.figures, self.predictions = self.path / "figures", self.path / "predictions"
        self.logs, self.checkpoints = self.path / "logs", self.path / "checkpoints"
        self.export, self.card = self.path / "export", self.path / "README.md"

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"RunDirectory('{self.path}')"

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained, evaluated and recorded."""
        return self.record.is_file()

    def is_finished_with(self, options: dict[str, Any]) -> bool:
        """Return whether a finished run with the same options is here.

        Other options matter only if something was trained: a run that failed before its first checkpoint is replaced.

        Raises:
            UserError: A run with other options is here; the message names the first one that differs.
        """
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
        return next((path for path in reversed(self._checkpoints()) if is_complete(path)), None)

    def checkpoint_to_resume(self, requested: str | None) -> Path | None:
        """Return the checkpoint that training resumes from, or None if it starts from the beginning.

        Args:
            requested: `--resume_from_checkpoint`: None, "last" or "true" (the newest), or a checkpoint's directory.

        Raises:
            UserError: An unfinished run is here and `requested` does not say to resume it, or there is no such
                checkpoint.
        """
        if requested is None or str(requested).lower() == "false":
            if self.newest_checkpoint() is None:
                return None
            raise UserError(
                f"--output_dir: '{self.path}' holds an unfinished run; add --resume_from_checkpoint to resume it, or "
                "--overwrite to start again"
            )
        if str(requested).lower() in ("last", "true"):
            return self.newest_checkpoint()
        if not is_complete(Path(requested)):
            raise UserError(
                f"--resume_from_checkpoint: '{requested}' is not a complete checkpoint of the Trainer (a directory "
                f"with {TRAINER_STATE}); give one, or 'last'"
            )
        return Path(requested)

    def start(self, options: dict[str, Any], checkpoint: Path | None, *, overwrite: bool) -> None:
        """Write the options of the run that starts; remove the earlier run, or checkpoints newer than `checkpoint`.

        Files in the directory that are not part of a run stay.

        Raises:
            EnvironmentFailure: The directory cannot be written.
        """
        if overwrite:
            for path in vars(self).values():
                if path != self.path:
                    remove(path)
        for path in self._checkpoints():
            if checkpoint is None or (path.parent.samefile(checkpoint.parent) and step_of(path) > step_of(checkpoint)):
                remove(path)
        write_json(self.options, options)

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record and delete the checkpoints, in this order."""
        write_json(self.record, record)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def _checkpoints(self) -> list[Path]:
        found = self.checkpoints.glob(f"{CHECKPOINT_PREFIX}*")
        return sorted((path for path in found if path.name.removeprefix(CHECKPOINT_PREFIX).isdigit()), key=step_of)


def step_of(checkpoint: Path) -> int:
    """Return the step at which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def is_complete(checkpoint: Path) -> bool:
    """Return whether the Trainer finished writing a checkpoint: it writes its state last."""
    try:
        read_json(checkpoint / TRAINER_STATE)
    except (OSError, ValueError):
        return False
    return True


def first_difference(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Return "name: old, now new" for the first option of any group that differs, or None."""
    for group, values in new.items():
        before: Iterable[str] = old.get(group, {})
        for name in sorted({*before, *values}):
            if old.get(group, {}).get(name) != values.get(name):
                return f"{name}: {str(old.get(group, {}).get(name))[:80]}, now {str(values.get(name))[:80]}"
    return None
