"""One cell of a grid, from whatever an earlier call has left of it to its record."""

import time
from pathlib import Path
from typing import Any

from bbc_classifier.comparison.baseline_run import BaselineCell, run_baseline
from bbc_classifier.comparison.grid import Cell, Grid
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.checkpoints import Checkpoints
from bbc_classifier.training.reuse import Reuse
from bbc_classifier.training.run import train
from bbc_classifier.training.run_folder import RunFolder

AnyCell = Cell | BaselineCell


def is_finished(cell: AnyCell, runs: Path) -> bool:
    """Whether the cell came to its end."""
    return (runs / cell.name / "record.json").is_file()


def run_cell(cell: AnyCell, grid: Grid, runs: Path, reuse: Reuse) -> float:
    """Run a cell, go on with it where it stopped, or see that what is finished is this very cell.

    Args:
        cell: The cell.
        grid: What it is a cell of.
        runs: The folder of all cells' folders.
        reuse: What it may take over from cells that this process ran before.

    Returns:
        The seconds it took.

    Raises:
        InputError: An option is not legal for this cell, or its folder holds something else.
        WorldError: Its encoder cannot be fetched, or its folder cannot be written.
    """
    started = time.perf_counter()
    if isinstance(cell, Cell):
        _train(cell, grid, runs / cell.name, reuse)
    elif not is_finished(cell, runs):
        run_baseline(cell, grid.data(cell.fold, cell.train_size), runs / cell.name)
    return time.perf_counter() - started


def _train(cell: Cell, grid: Grid, place: Path, reuse: Reuse) -> None:
    model, data, training = grid.arguments(cell)
    folder = RunFolder(place)
    resume: dict[str, Any] = {}
    if not folder.is_finished and (checkpoints := Checkpoints(folder.checkpoints)).all():
        resume = {"resume_from_checkpoint": "last"} if checkpoints.newest_whole() else {"overwrite": True}
    train(model, data, ClassifierTrainingArguments(**{**training, **resume, "output_dir": str(place)}), reuse)
