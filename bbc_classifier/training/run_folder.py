"""The folder of one run: what is in it, whether it is finished, and what may be done to it.

`record.json` is written last, so its presence means that everything else is there and whole.
"""

import shutil
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.folders import discard, is_empty, refuse_strangers
from bbc_classifier.records import read_json, write_json
from bbc_classifier.shapes import OPTION, TEXT, refuse_other_shape
from bbc_classifier.training.checkpoints import PREFIX, Checkpoints
from bbc_classifier.training.trainer_state import STATE

CONTENTS = frozenset(
    {
        *("record.json", "README.md", "options.json", "model", "split.json", "seen_texts.json", "history.json"),
        *("figures", "checkpoints", "predictions", "export"),
    }
)


class RunFolder:
    """Paths and state of a run folder."""

    def __init__(self, path: Path):
        self.path = path
        self.record = path / "record.json"
        self.options = path / "options.json"
        self.model = path / "model"
        self.split = path / "split.json"
        self.seen_texts = path / "seen_texts.json"
        self.history = path / "history.json"
        self.figures = path / "figures"
        self.checkpoints = path / "checkpoints"

    @property
    def is_finished(self) -> bool:
        """Whether the run in this folder came to its end."""
        return self.record.is_file()

    @property
    def holds_training(self) -> bool:
        """Whether something that was trained is here, finished or not."""
        return self.model.exists() or bool(Checkpoints(self.checkpoints).all())

    def has_finished_with(self, options: dict[str, Any]) -> bool:
        """Whether a finished run with these very options is here.

        Raises:
            InputError: Something else is here: a run with other options, or files that are no run.
        """
        if is_empty(self.path, CONTENTS):
            return False
        if not self.options.is_file():
            raise InputError(f"--output_dir: '{self.path}' holds files that are no run of ours; choose another folder")
        started_with = read_json(self.options)
        refuse_other_shape(f"'{self.options}'", started_with, {str: {str: OPTION}})
        different = _first_difference(started_with, options)
        if different:
            raise InputError(
                f"--output_dir: '{self.path}' holds a run with other options ({different}); "
                "add --overwrite to replace it, or choose another --output_dir"
            )
        return self.is_finished

    def checkpoint_to_resume(self, requested: str | None, *, with_best: bool) -> str | None:
        """Return the checkpoint to go on from, or None for a fresh start.

        Args:
            requested: "last", or a checkpoint's folder.
            with_best: Whether the run will end with its best checkpoint.

        Raises:
            InputError: An unfinished run is here and nothing says what to do with it, or nothing is there to resume.
        """
        checkpoints = Checkpoints(self.checkpoints)
        if requested is None:
            if checkpoints.all():
                raise InputError(
                    f"--output_dir: '{self.path}' holds an unfinished run; add --resume_from_checkpoint to go on with "
                    "it, or --overwrite to start again"
                )
            return None
        if requested == "last":
            newest = checkpoints.newest_whole(with_best=with_best)
            if newest is None:
                what, instead = (
                    ("whole checkpoint", "add --overwrite instead to start again")
                    if checkpoints.all()
                    else ("checkpoint", "leave this out to start from the beginning")
                )
                raise InputError(f"--resume_from_checkpoint: '{self.path}' holds no {what} to go on from; {instead}")
            return str(newest)
        is_numbered = Path(requested).name.removeprefix(PREFIX).isdigit()
        if not is_numbered or not (Path(requested) / STATE).is_file():
            raise InputError(f"--resume_from_checkpoint: '{requested}' is no checkpoint folder of the Trainer")
        if fault := Checkpoints(Path(requested).parent).fault_of(Path(requested), with_best=with_best):
            raise InputError(f"--resume_from_checkpoint: '{requested}' cannot be gone on from: {fault}")
        return requested

    def refuse_other_split(self, fingerprint: str) -> None:
        """Check that the rows are those of the run that is to go on, or rows it was trained on might test it.

        Raises:
            InputError: They are others: the data have changed since.
        """
        if not self.split.is_file():
            return
        split = read_json(self.split)
        refuse_other_shape(f"'{self.split}'", split, {"fingerprint": TEXT})
        if split["fingerprint"] != fingerprint:
            raise InputError(
                f"--resume_from_checkpoint: the data are no longer those that '{self.path}' was started with; "
                "add --overwrite instead to start again"
            )

    def refuse_foreign_files(self) -> None:
        """Check that there is nothing here but a run, or nothing at all, before it is replaced.

        Raises:
            InputError: The folder holds files that are no run of ours.
        """
        if is_empty(self.path, CONTENTS):
            return
        if not self.options.is_file():
            raise InputError(f"--overwrite: '{self.path}' holds files that are no run of ours; they stay")
        refuse_strangers(self.path, CONTENTS, "run")

    def begin(self, options: dict[str, Any], *, overwrite: bool = False) -> None:
        """Make the folder, without an earlier run if `overwrite`, and write down the options of the run that starts.

        Raises:
            InputError: The folder holds files that are no run of ours.
            WorldError: The folder cannot be written.
        """
        try:
            if overwrite and self.path.exists():
                self.refuse_foreign_files()
                discard(self.path)
            write_json(self.options, options)
        except OSError as error:
            raise WorldError(f"--output_dir: cannot write to '{self.path}': {error.strerror}") from error

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, and drop the resume state, which is of no use to a finished run."""
        write_json(self.record, record)
        self.drop_checkpoints()

    def drop_checkpoints(self) -> None:
        """Delete the resume state: after the record, since a process may be killed between the two."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def _first_difference(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Return "name: old, now new" of the first option that differs, or None."""
    for group in new:
        before, after = old.get(group, {}), new[group]
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return f"{name}: {str(before.get(name))[:80]}, now {str(after.get(name))[:80]}"
    return None
