"""Classification where a row has any number of labels, also none: what `Problem` asks of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.evaluation.calibration import Calibration, fit_cell_temperature
from bbc_classifier.evaluation.label_counts_figure import draw_label_counts
from bbc_classifier.evaluation.multi_label_metrics import (
    VALIDATED,
    cell_log_loss,
    mean_average_precision,
    set_metrics,
)
from bbc_classifier.evaluation.multi_label_report import multi_label_report
from bbc_classifier.evaluation.targets import indicators
from bbc_classifier.evaluation.thresholds import choose_thresholds
from bbc_classifier.inference.decision import above_thresholds, sigmoid


class MultiLabel:
    """Sigmoid; every label that reaches its threshold is given. The methods are described in `Problem`."""

    problem_type = "multi_label_classification"
    multi_label = True
    validated = VALIDATED

    def __init__(self, names: Sequence[str], thresholds: Sequence[float] | None = None):
        self.names = names
        self.thresholds = thresholds

    def targets(self, labels: Sequence[Sequence[int]], data_names: Sequence[str]) -> np.ndarray:
        """Return 1 where a row has a label, (rows, labels) float32."""
        return indicators(labels, data_names, self.names)

    def label_totals(self, targets: np.ndarray) -> list[int]:
        """Return the rows that have each label; a row counts for each of its labels."""
        return targets.sum(axis=0, dtype=np.int64).tolist()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the sigmoid of the logits."""
        return sigmoid(logits)

    def give(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which labels reach their thresholds.

        Raises:
            ValueError: The thresholds are not known.
        """
        if self.thresholds is None:
            raise ValueError("without thresholds no label can be given")
        return above_thresholds(probabilities, self.thresholds)

    def validation_metrics(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        """Return log loss, mean average precision, and the scores of the labels given.

        A label is given from the threshold on that is best for it on these very rows, as the finished classifier's will
        be: at 0.5, no checkpoint of a classifier of rare labels would give any in the first epochs.
        """
        probabilities = sigmoid(logits)
        given = above_thresholds(probabilities, choose_thresholds(targets, probabilities))
        return {
            "log_loss": cell_log_loss(targets, probabilities),
            "mean_average_precision": mean_average_precision(targets, probabilities),
            **set_metrics(targets, given),
        }

    def calibrate(self, targets: np.ndarray, logits: np.ndarray) -> Calibration:
        """Return the temperature, and the thresholds of the probabilities it leads to."""
        temperature = fit_cell_temperature(logits, targets)
        return Calibration(temperature, choose_thresholds(targets, sigmoid(logits / temperature)))

    def report(self, targets: np.ndarray, given: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
        """Return the multi-label report."""
        return multi_label_report(targets, given, probabilities, self.names, self.thresholds)

    def draw(self, report: dict[str, Any], data_name: str, folder: Path) -> None:
        """Draw what was found, missed and given wrongly of each label."""
        title = f"{data_name}, test, n = {report['n']}, micro F1 {report['metrics']['micro_f1']:.3f}"
        draw_label_counts(report["label_counts"], folder / "label_counts.png", title=title)
