"""The resume state of an unfinished run, sealed with the hash of every file: only what is whole is gone on from.

A checkpoint takes seconds to write, and a machine may die in the middle or its disk may spoil a file later. The seal is
written last; a checkpoint without one, or with another file in it, is passed over for the one before. So is one whose
run had its best checkpoint before it, where that one is damaged: its weights are what the run would end with.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from bbc_classifier.full_disk import space_for
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json, write_json

SEAL = "sealed.json"
STATE = "trainer_state.json"
PREFIX = "checkpoint-"

logger = logging.getLogger(__name__)


class Checkpoints:
    """The folder of a run's checkpoints."""

    def __init__(self, folder: Path):
        self.folder = folder

    def all(self) -> list[Path]:
        """Return the checkpoints, whole or not, by step."""
        found = [path for path in self.folder.glob(f"{PREFIX}*") if path.name.removeprefix(PREFIX).isdigit()]
        return sorted(found, key=step_of)

    def at(self, step: int) -> Path:
        """Return where the checkpoint of a step lies."""
        return self.folder / f"{PREFIX}{step}"

    @contextmanager
    def written_whole(self, step: int) -> Iterator[None]:
        """Remove the checkpoint of a step when its writing fails.

        Raises:
            NoSpace: The disk is full.
        """
        checkpoint = self.at(step)
        try:
            with space_for(checkpoint):
                yield
        except BaseException:
            shutil.rmtree(checkpoint, ignore_errors=True)
            raise

    def drop_after(self, checkpoint: Path) -> None:
        """Delete what was written after a checkpoint that is gone on from: those that were passed over."""
        for later in self.all():
            if step_of(later) > step_of(checkpoint):
                shutil.rmtree(later, ignore_errors=True)

    def newest_whole(self, *, with_best: bool) -> Path | None:
        """Return the last checkpoint in which every file is as it was written; those that are passed over are told.

        Args:
            with_best: Whether the run will end with its best checkpoint, so that this one has to be whole too.
        """
        for checkpoint in reversed(self.all()):
            fault = self.fault_of(checkpoint, with_best=with_best)
            if fault is None:
                return checkpoint
            logger.warning("%s is passed over: %s", checkpoint.name, fault)
        return None

    def fault_of(self, checkpoint: Path, *, with_best: bool) -> str | None:
        """Return what keeps a run from going on from a checkpoint, or None."""
        if fault := fault_of(checkpoint):
            return fault
        best = self.best_until(checkpoint) if with_best else None
        fault = fault_of(best) if best else None
        return f"{best.name}, the best until then, is damaged: {fault}" if best and fault else None

    def best_until(self, checkpoint: Path) -> Path | None:
        """Return the checkpoint that had validated best when a whole one was written, if any had.

        It lies beside, whatever its path was when the Trainer noted it, on whatever system.
        """
        noted = read_json(checkpoint / STATE)["best_model_checkpoint"]
        return self.folder / PureWindowsPath(noted).name if noted else None

    def keep(self, limit: int | None, best: str | None) -> None:
        """Delete the oldest checkpoints but for `limit` of them, the newest and the best.

        Args:
            limit: How many to keep; None keeps all.
            best: The one that validated best.
        """
        if limit is None or limit < 1:
            return
        checkpoints = self.all()
        protected = {checkpoint.name for checkpoint in checkpoints[-limit:]} | ({Path(best).name} if best else set())
        for checkpoint in checkpoints:
            if checkpoint.name not in protected:
                shutil.rmtree(checkpoint, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint was written at."""
    return int(checkpoint.name.removeprefix(PREFIX))


def seal(checkpoint: Path) -> None:
    """Write down the hash of every file, as the last thing that is written."""
    write_json(checkpoint / SEAL, _hashes(checkpoint))


def fault_of(checkpoint: Path) -> str | None:
    """Return what is wrong with a checkpoint, or None where every file is as it was written."""
    if not checkpoint.is_dir():
        return "it is missing"
    try:
        sealed = read_json(checkpoint / SEAL)
    except FileNotFoundError:
        return "it was not written to its end"
    except (OSError, ValueError):
        return f"{SEAL} is damaged"
    try:
        found = _hashes(checkpoint)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    for name, expected in sealed.items():
        if name not in found:
            return f"{name} is missing"
        if found[name] != expected:
            return f"{name} is not as it was written"
    return None


def _hashes(checkpoint: Path) -> dict[str, str]:
    files = (path for path in sorted(checkpoint.iterdir()) if path.is_file() and path.name != SEAL)
    return {path.name: file_sha256(path) for path in files}
