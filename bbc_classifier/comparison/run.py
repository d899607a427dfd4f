"""The cells of a grid one after the other: finished ones are skipped, failed ones are told, the rest goes on."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bbc_classifier.comparison.baseline_run import BaselineCell, baseline_cells, run_baseline
from bbc_classifier.comparison.grid import Cell, Grid
from bbc_classifier.comparison.options import CompareArguments, refuse_grid_options
from bbc_classifier.comparison.progress import Progress
from bbc_classifier.comparison.report import CONTENTS as REPORT
from bbc_classifier.comparison.shard_lock import refuse_other_shards, turn
from bbc_classifier.data.labelled_table import is_multi_label
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError, NoSpace
from bbc_classifier.folders import check_output_folder, discard
from bbc_classifier.inference.encoder_memory import EncoderMemory
from bbc_classifier.records import read_json, write_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.checkpoints import Checkpoints
from bbc_classifier.training.reuse import Reuse
from bbc_classifier.training.run import train
from bbc_classifier.training.run_folder import RunFolder

FAILURES = "failures.json"
CONTENTS = frozenset({"comparison.json", FAILURES, "not_applicable.json", "titles.json", "runs"}) | REPORT
MOST_OF_A_TITLE = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cells:
    """What became of the cells of one call.

    Attributes:
        finished: Names of the cells that are finished, now or before.
        failed: The reason by the name of each cell that failed.
        not_applicable: Why a pair of encoder and pooling cannot be, by its name.
    """

    finished: list[str]
    failed: dict[str, str]
    not_applicable: dict[str, str]


def run_cells(options: CompareArguments, given: Mapping[str, Any], folder: Path, *, overwrite: bool) -> Cells:
    """Train every cell of the grid, or of this call's shard, that is not finished yet, the baselines among them.

    The caller holds the shard (`shard_held`).

    Args:
        options: The grid.
        given: Options of `train` by name, for every cell.
        folder: The comparison's folder; one that holds the same comparison goes on where it stopped.
        overwrite: Start again where the folder holds another comparison.

    Raises:
        InputError: The grid is not legal, or the folder holds something else.
        NoSpace: The disk is full.
    """
    refuse_grid_options(dict(given))
    grid = Grid(options, given)
    titles = _titles(grid)
    which, count = options.shard_of()
    with turn(folder):
        _open_folder(folder, {"grid": _lasting(options), "given": dict(given)}, (which, count), overwrite=overwrite)
    cells: list[Cell | BaselineCell] = [*grid.applicable(), *baseline_cells(given.get("folds"), options.sizes())]
    mine = cells[which - 1 :: count]
    reuse = Reuse(states=EncoderMemory() if options.mode == "probe" else None)
    finished: list[str] = []
    failed: dict[str, str] = {}
    progress = Progress(mine)
    for cell in mine:
        place = folder / "runs" / cell.name
        was_there = (place / "record.json").is_file()
        if not was_there:
            logger.info("%s: %s", progress.say(), cell.name)
        started = time.perf_counter()
        try:
            _run(cell, grid, place, reuse)
            finished.append(cell.name)
        except NoSpace as error:
            # It is no fault of the cell, and would be that of all others.
            raise NoSpace(error.place) from error
        except Exception as error:
            # One cell that cannot be must not cost the others; it is told at the end, and the exit code says so.
            failed[cell.name] = " ".join(str(error).split()) or type(error).__name__
            logger.warning("failed, and left out: %s: %s", cell.name, failed[cell.name])
        progress.note(cell, None if was_there else time.perf_counter() - started)
    not_applicable = grid.not_applicable()
    with turn(folder):
        write_json(folder / FAILURES, _failures(folder, {cell.name for cell in mine}) | failed)
        write_json(folder / "not_applicable.json", not_applicable)
        write_json(folder / "titles.json", titles)
    return Cells(finished, failed, not_applicable)


def _titles(grid: Grid) -> dict[str, str]:
    """Return the first line of every article, by row id: what the report calls the hardest ones.

    Raises:
        InputError: The data cannot be read, or their rows can have any number of labels.
    """
    table = open_source(grid.data(None, None)).read()
    if is_multi_label(table):
        raise InputError("a comparison is of classifiers that give one label; these rows have any number")
    lines = ((text or "").strip().partition("\n")[0] for text in table["text"][:])
    return {row_id: line[:MOST_OF_A_TITLE] for row_id, line in zip(table["row_id"][:], lines, strict=True)}


def _run(cell: Cell | BaselineCell, grid: Grid, place: Path, reuse: Reuse) -> None:
    if isinstance(cell, BaselineCell):
        if not (place / "record.json").is_file():
            run_baseline(cell, grid.data(cell.fold, cell.train_size), place)
        return
    model, data, training = grid.arguments(cell)
    folder = RunFolder(place)
    arguments = ClassifierTrainingArguments(**{**training, "output_dir": str(place)})
    if not folder.is_finished and (checkpoints := Checkpoints(folder.checkpoints)).all():
        if checkpoints.newest_whole(with_best=arguments.load_best_model_at_end):
            arguments.resume_from_checkpoint = "last"
        else:
            arguments.overwrite = True
    train(model, data, arguments, reuse)


def _failures(folder: Path, mine: set[str]) -> dict[str, str]:
    """Return what earlier calls for other shards said in the same folder of cells that are still not there."""
    said = read_json(folder / FAILURES) if (folder / FAILURES).is_file() else {}
    left = {name for name in said if name not in mine and not (folder / "runs" / name / "record.json").is_file()}
    return {name: reason for name, reason in said.items() if name in left}


def _open_folder(folder: Path, content: dict[str, Any], shard: tuple[int, int], *, overwrite: bool) -> None:
    """Make the folder, or see that it holds this very comparison.

    Raises:
        InputError: It holds another one, or something else, and may not be replaced.
    """
    marker = folder / "comparison.json"
    if marker.is_file() and read_json(marker) == content:
        return
    if marker.is_file() and not overwrite:
        raise InputError(
            f"--output_dir: '{folder}' holds a comparison with other options; add --overwrite or choose another folder"
        )
    check_output_folder(folder, overwrite=overwrite, kind="comparison", contents=CONTENTS)
    refuse_other_shards(folder, *shard)
    # Cells of another comparison would stand in this one's report.
    discard(folder)
    write_json(marker, content)


def _lasting(options: CompareArguments) -> dict[str, Any]:
    """Return the options that a later call for the same comparison must repeat: all but which shard it runs."""
    return {name: value for name, value in asdict(options).items() if name != "shard"}
