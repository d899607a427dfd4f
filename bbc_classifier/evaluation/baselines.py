"""What a fine-tuned encoder has to beat: word frequencies and a linear classifier, on the same rows and folds."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.intervals import bootstrap_intervals, wilson_interval
from bbc_classifier.evaluation.metrics import confusion, label_metrics
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json

METHOD = (
    "TF-IDF of words and pairs of words, sublinear, and a linear SVM, all else as scikit-learn has it; fitted on train "
    "and validation, since it chooses nothing"
)

logger = logging.getLogger(__name__)


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
    """Return the baseline's label of each row of the test side, (rows,) class indices."""
    train, validation = articles.side("train"), articles.side("validation")
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC())
    pipeline.fit([*train["text"][:], *validation["text"][:]], [*train["label"][:], *validation["label"][:]])
    return pipeline.predict(articles.side("test")["text"][:])


def _report(labels: np.ndarray, given: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return the figures that need no probabilities, which the baseline has none of."""
    counts = confusion(labels, given, len(names))
    correct = int(np.trace(counts))
    return {
        "n": len(labels),
        "correct": correct,
        "metrics": label_metrics(labels, given, len(names)),
        "intervals": {"accuracy": wilson_interval(correct, len(labels)), **bootstrap_intervals(counts)},
        "confusion_matrix": {"labels": list(names), "counts": counts.tolist()},
    }
