"""What a fine-tuned encoder has to beat: word frequencies and a linear classifier, on the same rows and folds."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.intervals import bootstrap_intervals, wilson_interval
from bbc_classifier.evaluation.metrics import class_table, confusion, label_metrics
from bbc_classifier.evaluation.predictions import write_predictions
from bbc_classifier.evaluation.report import evaluation_report
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json

METHOD = (
    "TF-IDF of words and pairs of words, sublinear, and a linear SVM, all else as scikit-learn has it; fitted on train "
    "and validation, since it chooses nothing"
)

# Rows of length 1 over very many words: under the C = 1 that scikit-learn starts from, all classes look about alike.
LOGISTIC_INVERSE_PENALTY = 100.0

logger = logging.getLogger(__name__)


def _tfidf(classifier: ClassifierMixin) -> Pipeline:
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), classifier)


BASELINES: dict[str, Callable[[], Pipeline]] = {
    "majority": lambda: make_pipeline(DummyClassifier(strategy="prior")),
    "tfidf-logistic": lambda: _tfidf(LogisticRegression(C=LOGISTIC_INVERSE_PENALTY, max_iter=1000)),
    "tfidf-svm": lambda: _tfidf(LinearSVC()),
}


def cross_validate_tfidf(data_options: DataArguments, *, folds: int, record: Path) -> dict[str, Any]:
    """Predict every row out of fold by the TF-IDF baseline, and write one record of it.

    Args:
        data_options: The data; its `folds` and `fold` are set here.
        folds: Number of folds.
        record: JSON file to write.

    Raises:
        InputError: The data set is unknown or broken, or a row can have any number of labels.
        WorldError: The data cannot be reached.
    """
    origin, per_fold = provenance(), []
    given: dict[str, int] = {}
    true: dict[str, int] = {}
    for fold in range(folds):
        logger.info("fold %d of %d", fold + 1, folds)
        articles = load_articles(replace(data_options, folds=folds, fold=fold))
        if articles.multi_label:
            raise InputError("the TF-IDF baseline gives one label; these rows have any number")
        answers = tfidf_answers(articles)
        test = articles.side("test")
        true |= dict(zip(test["row_id"][:], test["label"][:], strict=True))
        given |= dict(zip(test["row_id"][:], answers.tolist(), strict=True))
        per_fold.append({"n": len(test), "split_fingerprint": articles.split.fingerprint})
    names = articles.label_names
    content = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "method": METHOD,
        "options": {"data": without_folders(asdict(replace(data_options, folds=folds)))},
        "out_of_fold": _report(np.array(list(true.values())), np.array([given[row] for row in true]), names),
        "folds": per_fold,
        "predictions": {row: names[label] for row, label in sorted(given.items())},
        "provenance": origin,
    }
    write_json(record, content)
    return content


def tfidf_answers(articles: Articles) -> np.ndarray:
    """Return the TF-IDF baseline's label of each row of the test side, (rows,) class indices."""
    return baseline_answers("tfidf-svm", articles)[0]


def baseline_answers(
    name: str, articles: Articles, *, validation_too: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Fit a baseline and return its answers for the test side.

    Args:
        name: One of `BASELINES`.
        articles: The articles, split, with one label each.
        validation_too: Fit it on validation as well as on train: it chooses nothing by it.

    Returns:
        (rows,) class indices, and (rows, labels) probabilities, None where the baseline has none.
    """
    sides = [articles.side(side) for side in (("train", "validation") if validation_too else ("train",))]
    texts, labels = ([value for side in sides for value in side[column][:]] for column in ("text", "label"))
    fitted, asked = BASELINES[name]().fit(texts, labels), articles.side("test")["text"][:]
    given = fitted.predict(asked)
    if not hasattr(fitted, "predict_proba"):
        return given, None
    probabilities = np.zeros((len(given), len(articles.label_names)))
    # A label without a row among those it was fitted on has no column.
    probabilities[:, fitted.classes_] = fitted.predict_proba(asked)
    return given, probabilities


def report_baseline(
    articles: Articles, given: np.ndarray, probabilities: np.ndarray | None, folder: Path
) -> dict[str, Any]:
    """Return the report on a baseline's answers for the test side, and write them to `predictions/test.parquet`.

    Args:
        articles: The articles, split.
        given: (rows,) class indices.
        probabilities: (rows, labels), or None; without them there is no log loss, Brier score or calibration error.
        folder: Where to write.
    """
    test, names = articles.side("test"), articles.label_names
    labels = np.asarray(test["label"][:])
    write_predictions(folder / "predictions" / "test.parquet", test["row_id"][:], labels, given, probabilities, names)
    return _report(labels, given, names) if probabilities is None else evaluation_report(labels, probabilities, names)


def _report(labels: np.ndarray, given: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return the figures that need no probabilities, which the baseline has none of."""
    counts = confusion(labels, given, len(names))
    correct = int(np.trace(counts))
    return {
        "n": len(labels),
        "correct": correct,
        "metrics": label_metrics(labels, given, len(names)),
        "intervals": {"accuracy": wilson_interval(correct, len(labels)), **bootstrap_intervals(counts)},
        "per_class": class_table(labels, given, names),
        "confusion_matrix": {"labels": list(names), "counts": counts.tolist()},
    }
