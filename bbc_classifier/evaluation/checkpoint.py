"""Evaluating a saved checkpoint, reloaded as anyone would load it. The one place that opens the test side."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.data.articles import Articles
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.figures import draw_confusion_matrix
from bbc_classifier.evaluation.predictions import write_predictions
from bbc_classifier.evaluation.report import evaluation_report
from bbc_classifier.inference.classifier import NewsClassifier

SIDES = ("validation", "test")


def evaluate_side(classifier: NewsClassifier, articles: Articles, side: str, folder: Path) -> dict[str, Any]:
    """Evaluate one side and write `predictions/<side>.parquet` and, for the test side, the confusion figures.

    Args:
        classifier: The reloaded checkpoint.
        articles: The articles, split.
        side: "validation" or "test".
        folder: Where to write.

    Returns:
        The report, with `truncated_share` and `seconds`.

    Raises:
        InputError: The articles have a label that the classifier does not know.
    """
    table = articles.side(side)
    started = time.perf_counter()
    probabilities, truncated = classifier.probabilities(table["text"][:])
    seconds = time.perf_counter() - started
    names = classifier.label_names
    labels = label_indices(articles.label_names, names)[np.array(table["label"][:])]
    write_predictions(folder / "predictions" / f"{side}.parquet", table["row_id"][:], labels, probabilities, names)
    report = evaluation_report(labels, probabilities, names)
    if side == "test":
        draw_confusion_figures(report, articles.provenance["name"], folder / "figures")
    return {**report, "truncated_share": float(np.mean(truncated)), "seconds": round(seconds, 3)}


def label_indices(data_names: list[str], model_names: list[str]) -> np.ndarray:
    """Return, per label index of the data, the classifier's index of the same name.

    Raises:
        InputError: The classifier does not know a label.
    """
    unknown = [name for name in data_names if name not in model_names]
    if unknown:
        raise InputError(f"the classifier does not know the label '{unknown[0]}'; it knows {', '.join(model_names)}")
    return np.array([model_names.index(name) for name in data_names])


def draw_confusion_figures(report: dict[str, Any], data_name: str, folder: Path) -> None:
    """Draw the test confusion matrix in counts and normalised."""
    counts = np.array(report["confusion_matrix"]["counts"])
    names = report["confusion_matrix"]["labels"]
    title = f"{data_name}, test, n = {report['n']}, accuracy {report['metrics']['accuracy']:.3f}"
    draw_confusion_matrix(counts, names, folder / "confusion_matrix.png", title=title)
    draw_confusion_matrix(counts, names, folder / "confusion_matrix_normalized.png", normalized=True, title=title)
