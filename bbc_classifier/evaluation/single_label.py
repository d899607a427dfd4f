"""Classification where every row has exactly one label: what `Problem` asks of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.evaluation.calibration import Calibration, fit_temperature
from bbc_classifier.evaluation.figures import draw_confusion_matrix
from bbc_classifier.evaluation.metrics import VALIDATED, label_metrics, log_loss
from bbc_classifier.evaluation.report import evaluation_report
from bbc_classifier.evaluation.targets import class_indices
from bbc_classifier.inference.decision import softmax


class SingleLabel:
    """Softmax; the most probable label is given. The methods are described in `Problem`."""

    problem_type = "single_label_classification"
    multi_label = False
    validated = VALIDATED

    def __init__(self, names: Sequence[str]):
        self.names = names

    def targets(self, labels: Sequence[int], data_names: Sequence[str]) -> np.ndarray:
        """Return the class index of each row."""
        return class_indices(labels, data_names, self.names)

    def label_totals(self, targets: np.ndarray) -> list[int]:
        """Return the rows of each class."""
        return np.bincount(targets, minlength=len(self.names)).tolist()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the softmax of the logits."""
        return softmax(logits)

    def give(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the most probable class."""
        return probabilities.argmax(axis=1)

    def validation_metrics(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        """Return log loss, accuracy and averaged scores."""
        metrics = label_metrics(targets, logits.argmax(axis=1), logits.shape[1])
        return {"log_loss": log_loss(targets, softmax(logits)), **metrics}

    def calibrate(self, targets: np.ndarray, logits: np.ndarray) -> Calibration:
        """Return the temperature."""
        return Calibration(fit_temperature(logits, targets))

    def report(self, targets: np.ndarray, given: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
        """Return the single-label report; what is given is always the most probable label, which it finds itself."""
        return evaluation_report(targets, probabilities, self.names)

    def draw(self, report: dict[str, Any], data_name: str, folder: Path) -> None:
        """Draw the confusion matrix in counts and normalised."""
        counts, names = np.array(report["confusion_matrix"]["counts"]), report["confusion_matrix"]["labels"]
        title = f"{data_name}, test, n = {report['n']}, accuracy {report['metrics']['accuracy']:.3f}"
        draw_confusion_matrix(counts, names, folder / "confusion_matrix.png", title=title)
        draw_confusion_matrix(counts, names, folder / "confusion_matrix_normalized.png", normalized=True, title=title)
