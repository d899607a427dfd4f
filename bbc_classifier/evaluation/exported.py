"""An exported classifier beside the one it was exported from: size is known, this measures answers and time."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.evaluation.checkpoint import classifiers_problem
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.evaluation.training_run import TrainingRun
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.inference.open_classifier import open_classifier

logger = logging.getLogger(__name__)


def measure_export(model: str, original: TextClassifier, exported: Path, *, on_data: bool) -> dict[str, Any]:
    """Compare both on the test side of the classifier's own run where its data are at hand, else on texts of our own.

    Args:
        model: What the classifier is called: a run folder, a model folder or a Hub id.
        original: That classifier, on the device that the exported one runs on.
        exported: The exported folder.
        on_data: Whether to look for the run's data at all.

    Returns:
        `data` (its name, or null), `n` texts, `agreement` (share of texts with the same answer), `largest_difference`
        (of a probability). On data also `accuracy` and `milliseconds_per_text`, of the `original` and the `exported`.
    """
    # Not by the run's options: whatever forms of a classifier there are, this opens them as anyone would.
    other = open_classifier(str(exported), device="cpu")
    articles = _test_articles(model) if on_data else None
    if articles is None:
        return {"data": None, **_compared(original, other, list(TRIAL_TEXTS))}
    problem, side = classifiers_problem(original, articles), articles.side("test")
    for classifier in (original, other):
        classifier.probabilities(TRIAL_TEXTS)
    texts = side["text"][:]
    targets = problem.targets(side["label"][:], articles.label_names)
    probabilities, milliseconds = zip(*(_timed(classifier, texts) for classifier in (original, other)), strict=True)
    correct = [float(np.mean(_same(problem.give(each), targets))) for each in probabilities]
    return {
        "data": articles.provenance["name"],
        **_differences(original, *probabilities),
        "accuracy": {"original": correct[0], "exported": correct[1], "change": correct[1] - correct[0]},
        "milliseconds_per_text": dict(zip(("original", "exported"), milliseconds, strict=True)),
    }


def _test_articles(model: str) -> Articles | None:
    """Return the articles of the run that the classifier lies in, or None, with the reason in the log."""
    run = TrainingRun(model)
    if run.data is None:
        logger.info("'%s' is no run folder, so its data are not known: measured on example texts", model)
        return None
    try:
        articles = load_articles(run.data)
    except (InputError, WorldError) as error:
        logger.warning("the run's data are not at hand (%s): measured on example texts", error)
        return None
    if articles.split.fingerprint != run.fingerprint:
        logger.warning("the run's data are no longer those it was trained beside: measured on example texts")
        return None
    return articles


def _compared(original: TextClassifier, exported: TextClassifier, texts: list[str]) -> dict[str, Any]:
    return _differences(original, original.probabilities(texts)[0], exported.probabilities(texts)[0])


def _differences(original: TextClassifier, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    problem = problem_of(original.label_names, multi_label=original.multi_label, thresholds=original.thresholds)
    return {
        "n": len(ours),
        "agreement": float(np.mean(_same(problem.give(ours), problem.give(theirs)))),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }


def _same(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return which rows are the same, (rows,) bool: of several labels, all of them."""
    return given == wanted if given.ndim == 1 else (given == wanted).all(axis=1)


def _timed(classifier: TextClassifier, texts: list[str]) -> tuple[np.ndarray, float]:
    """Return the probabilities, and how many milliseconds a text took."""
    started = time.perf_counter()
    probabilities, _ = classifier.probabilities(texts)
    return probabilities, round(1000 * (time.perf_counter() - started) / len(texts), 2)
