"""The one place that knows there are two kinds of classification; everything else asks the kind it was handed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bbc_classifier.evaluation.calibration import Calibration
from bbc_classifier.evaluation.multi_label import MultiLabel
from bbc_classifier.evaluation.single_label import SingleLabel


class Problem(Protocol):
    """What training and evaluation need to know of a kind of classification.

    Targets, and what is given, are (rows,) class indices where a row has one label, and (rows, labels) of 0/1 where it
    can have any number.

    Attributes:
        problem_type: The library's name of the kind, as a model's configuration holds it.
        multi_label: Whether a row can have any number of labels.
        names: The label names, in the order of the classifier's outputs.
        validated: The names of what `validation_metrics` returns.
    """

    problem_type: str
    multi_label: bool
    names: Sequence[str]
    validated: tuple[str, ...]

    def targets(self, labels: Sequence[Any], data_names: Sequence[str]) -> np.ndarray:
        """Return the targets of a table's labels, whose indices mean `data_names`."""
        ...

    def label_totals(self, targets: np.ndarray) -> list[int]:
        """Return how many rows have each label."""
        ...

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities of logits, both (rows, labels)."""
        ...

    def give(self, probabilities: np.ndarray) -> np.ndarray:
        """Return what is given for probabilities, (rows, labels)."""
        ...

    def validation_metrics(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        """Return what a checkpoint can be chosen by, from logits, (rows, labels)."""
        ...

    def calibrate(self, targets: np.ndarray, logits: np.ndarray) -> Calibration:
        """Return what the logits of the validation side, (rows, labels), say of temperature and thresholds."""
        ...

    def report(self, targets: np.ndarray, given: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
        """Return everything the record says of a side."""
        ...

    def draw(self, report: dict[str, Any], data_name: str, folder: Path) -> None:
        """Draw the figures of the test side's report."""
        ...


def problem_of(names: Sequence[str], *, multi_label: bool, thresholds: Sequence[float] | None = None) -> Problem:
    """Return the kind of classification over the labels of these names.

    Args:
        names: The label names, in the order of the classifier's outputs.
        multi_label: Whether a row can have any number of labels.
        thresholds: From which probability on each label is given; None for a single-label problem, and where it is not
            known yet or differs among the rows.
    """
    return MultiLabel(names, thresholds) if multi_label else SingleLabel(names)
