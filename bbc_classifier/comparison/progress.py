"""How far a comparison has come."""

from collections.abc import Sequence
from statistics import mean

from bbc_classifier.comparison.baseline_run import BaselineCell
from bbc_classifier.comparison.grid import Cell


class Progress:
    """Which cell of how many, and how long the rest will take if trainings go on taking as long as those before."""

    def __init__(self, cells: Sequence[Cell | BaselineCell]):
        self._cells = len(cells)
        # A baseline takes seconds where a training takes minutes: the estimate leaves baselines out.
        self._trainings = sum(isinstance(cell, Cell) for cell in cells)
        self._done = 0
        self._seconds: list[float] = []

    def note(self, cell: Cell | BaselineCell, seconds: float | None) -> None:
        """Note that a cell is done; no seconds for one that was there already."""
        self._done += 1
        if isinstance(cell, Cell):
            self._trainings -= 1
            if seconds is not None:
                self._seconds.append(seconds)

    def say(self) -> str:
        """Return where we are."""
        text = f"cell {self._done + 1} of {self._cells}"
        if not self._seconds or not self._trainings:
            return text
        minutes = mean(self._seconds) * self._trainings / 60
        return f"{text}, about {minutes:.0f} minutes left"
