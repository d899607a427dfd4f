"""How far a comparison has come."""

from collections.abc import Sequence
from statistics import mean

from bbc_classifier.comparison.cell_run import AnyCell
from bbc_classifier.comparison.grid import Cell


class Progress:
    """Which cell of how many, and how long the rest will take if trainings go on taking as long as those before."""

    def __init__(self, cells: Sequence[AnyCell], there: Sequence[AnyCell] = (), at_once: int = 1):
        """Count the cells.

        Args:
            cells: All of them.
            there: Those among them that are finished already.
            at_once: How many run at the same time.
        """
        self._cells = len(cells)
        self._at_once = at_once
        self._begun = len(there)
        # A baseline takes seconds where a training takes minutes: the estimate leaves baselines out.
        self._trainings = _trainings(cells) - _trainings(there)
        self._seconds: list[float] = []

    def begin(self) -> str:
        """Note that the next cell begins; return where we are."""
        self._begun += 1
        text = f"cell {self._begun} of {self._cells}"
        if not self._seconds or not self._trainings:
            return text
        minutes = mean(self._seconds) * self._trainings / self._at_once / 60
        return f"{text}, about {minutes:.0f} minutes left"

    def end(self, cell: AnyCell, ended: float | Exception) -> None:
        """Note that a cell has ended, after some seconds, or with the reason why it failed."""
        if isinstance(cell, Cell):
            self._trainings -= 1
            if not isinstance(ended, Exception):
                self._seconds.append(ended)


def _trainings(cells: Sequence[AnyCell]) -> int:
    return sum(isinstance(cell, Cell) for cell in cells)
