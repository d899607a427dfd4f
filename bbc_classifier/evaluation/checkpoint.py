"""Evaluating a saved checkpoint, reloaded as anyone would load it. The one place that opens the test side."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.data.articles import Articles
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.predictions import write_predictions
from bbc_classifier.evaluation.problem import Problem, problem_of
from bbc_classifier.inference.classifier import TextClassifier


def evaluate_side(classifier: TextClassifier, articles: Articles, side: str, folder: Path) -> dict[str, Any]:
    """Evaluate one side and write `predictions/<side>.parquet` and, for the test side, the figures.

    Args:
        classifier: The reloaded checkpoint.
        articles: The articles, split.
        side: "validation" or "test".
        folder: Where to write.

    Returns:
        The report, with `truncated_share` and `seconds`.

    Raises:
        InputError: The articles have a label that the classifier does not know, or any number of labels where it gives
            one, or one where it gives any number.
    """
    problem = classifiers_problem(classifier, articles)
    started = time.perf_counter()
    probabilities, truncated = classifier.probabilities(articles.side(side)["text"][:])
    seconds = time.perf_counter() - started
    report = report_side(problem, articles, side, probabilities, folder)
    return {**report, "truncated_share": float(np.mean(truncated)), "seconds": round(seconds, 3)}


def report_side(
    problem: Problem, articles: Articles, side: str, probabilities: np.ndarray, folder: Path
) -> dict[str, Any]:
    """Return the report on one side's probabilities; write its predictions and, for the test side, the figures.

    Args:
        problem: The kind of classification, thresholds included.
        articles: The articles, split.
        side: "validation" or "test".
        probabilities: (rows, labels), rows in the side's order.
        folder: Where to write.

    Raises:
        InputError: The articles have a label that the problem does not know.
    """
    table = articles.side(side)
    targets = problem.targets(table["label"][:], articles.label_names)
    given = problem.give(probabilities)
    path = folder / "predictions" / f"{side}.parquet"
    write_predictions(path, table["row_id"][:], targets, given, probabilities, problem.names)
    report = problem.report(targets, given, probabilities)
    if side == "test":
        problem.draw(report, articles.provenance["name"], folder / "figures")
    return report


def classifiers_problem(classifier: TextClassifier, articles: Articles) -> Problem:
    """Return what kind of classification the classifier does.

    Raises:
        InputError: The articles are of the other kind.
    """
    if classifier.multi_label and not articles.multi_label:
        raise InputError("the classifier gives any number of labels, but every article of the data set has exactly one")
    if articles.multi_label and not classifier.multi_label:
        raise InputError("the classifier gives exactly one label, but an article of the data set has any number")
    return problem_of(classifier.label_names, multi_label=classifier.multi_label, thresholds=classifier.thresholds)
