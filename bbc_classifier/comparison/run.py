"""The cells of a grid: finished ones are skipped, failed ones are told, the rest goes on."""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bbc_classifier.comparison.baseline_run import baseline_cells
from bbc_classifier.comparison.cell_run import AnyCell, is_finished
from bbc_classifier.comparison.engines import Ended, check_engine, one_by_one, open_engine
from bbc_classifier.comparison.grid import Grid
from bbc_classifier.comparison.options import CompareArguments, refuse_grid_options
from bbc_classifier.comparison.progress import Progress
from bbc_classifier.comparison.report import CONTENTS as REPORT
from bbc_classifier.data.labelled_table import is_multi_label
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError
from bbc_classifier.folders import check_output_folder
from bbc_classifier.records import read_json, write_json

CONTENTS = frozenset({"comparison.json", "failures.json", "not_applicable.json", "titles.json", "runs"}) | REPORT
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

    Args:
        options: The grid.
        given: Options of `train` by name, for every cell.
        folder: The comparison's folder; one that holds the same comparison goes on where it stopped.
        overwrite: Start again where the folder holds another comparison.

    Raises:
        InputError: The grid is not legal, the folder holds something else, or the engine cannot run a cell.
        WorldError: The engine has failed.
    """
    refuse_grid_options(dict(given))
    check_engine(options)
    grid = Grid(options, given)
    titles = _titles(grid)
    _open_folder(folder, {"grid": options.lasting(), "given": dict(given)}, overwrite=overwrite)
    cells: list[AnyCell] = [*grid.applicable(), *baseline_cells(given.get("folds"), options.sizes())]
    which, count = options.shard_of()
    mine = cells[which - 1 :: count]
    reasons: dict[str, str] = {}
    for cell, ended in _ended(mine, options, grid, folder / "runs"):
        if isinstance(ended, Exception):
            # It is told again at the end, and the exit code says so.
            reasons[cell.name] = " ".join(str(ended).split()) or type(ended).__name__
            logger.warning("failed, and left out: %s: %s", cell.name, reasons[cell.name])
    failed = {cell.name: reasons[cell.name] for cell in mine if cell.name in reasons}
    write_json(folder / "failures.json", failed)
    not_applicable = grid.not_applicable()
    write_json(folder / "not_applicable.json", not_applicable)
    write_json(folder / "titles.json", titles)
    return Cells([cell.name for cell in mine if cell.name not in failed], failed, not_applicable)


def _ended(mine: Sequence[AnyCell], options: CompareArguments, grid: Grid, runs: Path) -> Iterator[Ended]:
    """Yield cells as they end: those that are there already, and then the others, each told when it begins."""
    there = [cell for cell in mine if is_finished(cell, runs)]
    missing = [cell for cell in mine if cell not in there]
    yield from one_by_one(grid, runs, there)
    if not missing:
        return
    with open_engine(options, grid, runs) as engine:
        progress = Progress(mine, there, engine.at_once)
        for cell, ended in engine.run(_told(missing, progress)):
            progress.end(cell, ended)
            yield cell, ended


def _told(cells: Iterable[AnyCell], progress: Progress) -> Iterator[AnyCell]:
    for cell in cells:
        logger.info("%s: %s", progress.begin(), cell.name)
        yield cell


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


def _open_folder(folder: Path, content: dict[str, Any], *, overwrite: bool) -> None:
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
    # Cells of another comparison would stand in this one's report.
    shutil.rmtree(folder, ignore_errors=True)
    write_json(marker, content)
