"""What the validation side says of a trained classifier: its temperature, its thresholds, and its figures."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bbc_classifier.evaluation.calibration import Calibration
from bbc_classifier.evaluation.checkpoint import report_side
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.inference.batching import Reading, read_rows
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.precision import autocast
from bbc_classifier.training.start import Start


@dataclass(frozen=True)
class Validation:
    """The validation side as the trained classifier sees it.

    Attributes:
        reading: Vectors and logits of its rows, the logits not yet calibrated.
        calibration: The temperature and thresholds fitted on them.
        seconds: How long reading took.
    """

    reading: Reading
    calibration: Calibration
    seconds: float


def calibrate(start: Start, arguments: ClassifierTrainingArguments) -> Validation:
    """Fit temperature and thresholds on validation, and put them into the model.

    A temperature is one number, which the format of training moves by next to nothing. A threshold lies between two
    rows, so it is fitted on what its users will see.
    """
    precision = "fp32" if start.articles.multi_label else arguments.precision
    started = time.perf_counter()
    with autocast(precision, start.model.device.type):
        reading = read_rows(start.model, start.encoded["validation"].input_ids, start.tokenizer.pad_token_id)
    seconds = time.perf_counter() - started
    calibration = start.problem.calibrate(start.targets["validation"], reading.logits)
    start.model.fold_temperature(calibration.temperature)
    start.model.config.label_thresholds = calibration.thresholds
    return Validation(reading, calibration, seconds)


def report_validation(start: Start, validation: Validation, folder: Path) -> dict[str, Any]:
    """Report on the validation side, and write its predictions, from what was read for calibration.

    For a head that is fitted on these rows afterwards: the saved classifier can no longer be judged by them.

    Args:
        start: What training started with.
        validation: What `calibrate` returned.
        folder: The run folder.
    """
    calibration = validation.calibration
    names = start.articles.label_names
    problem = problem_of(names, multi_label=start.articles.multi_label, thresholds=calibration.thresholds)
    probabilities = problem.probabilities(validation.reading.logits / calibration.temperature)
    report = report_side(problem, start.articles, "validation", probabilities, folder)
    truncated = start.encoded["validation"].truncated_share
    return {**report, "truncated_share": truncated, "seconds": round(validation.seconds, 3)}
