"""Where the cells of a grid are run: here, one after the other, or as tasks of a Ray cluster.

Which it was is in no record: a cell is the same training wherever it is run.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from bbc_classifier.comparison.cell_run import AnyCell, run_cell
from bbc_classifier.comparison.grid import Grid
from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.inference.encoder_memory import MOST_BYTES, EncoderMemory
from bbc_classifier.ray_cluster import connect, load_ray, places, spread
from bbc_classifier.training.reuse import Reuse

# A cell, and the seconds it took or the reason why it failed.
Ended = tuple[AnyCell, float | Exception]


@dataclass(frozen=True)
class Engine:
    """A way to run cells.

    Attributes:
        at_once: How many run at the same time.
        run: From cells, each taken when its turn has come, to those that ended.
    """

    at_once: int
    run: Callable[[Iterable[AnyCell]], Iterator[Ended]]


def check_engine(options: CompareArguments) -> None:
    """Check that the engine is there, before anything is written.

    Raises:
        InputError: Ray is not installed.
    """
    if options.engine == "ray":
        load_ray()


@contextmanager
def open_engine(options: CompareArguments, grid: Grid, runs: Path) -> Iterator[Engine]:
    """Yield the engine that the options name.

    Raises:
        InputError: No machine of the Ray cluster is large enough for a cell.
        WorldError: There is no cluster.
    """
    if options.engine == "local":
        yield Engine(1, partial(one_by_one, grid, runs))
        return
    with connect():
        at_once = places(options.cpus_per_cell, options.gpus_per_cell)
        task = partial(_run_there, grid, runs, at_once)
        cpus, gpus = options.cpus_per_cell, options.gpus_per_cell
        yield Engine(at_once, lambda cells: spread(task, cells, cpus_per_task=cpus, gpus_per_task=gpus))


def one_by_one(grid: Grid, runs: Path, cells: Iterable[AnyCell]) -> Iterator[Ended]:
    """Run cells in this process, which reads for one of them what others need as well."""
    reuse = _reuse(grid.options.mode, 1)
    for cell in cells:
        try:
            ended: float | Exception = run_cell(cell, grid, runs, reuse)
        except Exception as error:
            # One cell that cannot be must not cost the others; whoever asked for it is told.
            ended = error
        yield cell, ended


def _run_there(grid: Grid, runs: Path, at_once: int, cell: AnyCell) -> float:
    """Run a cell in a process of the cluster, which may have run others before."""
    return run_cell(cell, grid, runs, _reuse_of_this_process(grid.options.mode, at_once))


def _reuse(mode: str, at_once: int) -> Reuse:
    """Return what cells of one process share; all processes together hold no more than one alone would."""
    return Reuse(states=EncoderMemory(MOST_BYTES // at_once) if mode == "probe" else None)


_reuse_of_this_process = lru_cache(maxsize=1)(_reuse)
