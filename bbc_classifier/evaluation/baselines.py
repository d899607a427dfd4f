"""What a fine-tuned encoder has to beat: TF-IDF with a linear classifier, and the most frequent label."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from datasets import concatenate_datasets
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from bbc_classifier.data.loading import LoadedData
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.evaluate import length_report
from bbc_classifier.evaluation.metrics import classification_report


def _tfidf(classifier: Any) -> Pipeline:
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32), classifier)


# TF-IDF rows have length 1 over very many features: at scikit-learn's C = 1 the probabilities of all labels are alike.
BASELINES: dict[str, Callable[[], Pipeline]] = {
    "majority": lambda: make_pipeline(DummyClassifier(strategy="prior")),
    "tfidf-logistic": lambda: _tfidf(LogisticRegression(C=100.0, solver="newton-cg")),  # here 10 times as fast as lbfgs
    "tfidf-svm": lambda: _tfidf(LinearSVC()),
}


class BaselineResult(NamedTuple):
    """A baseline on the test split; `tfidf-svm` has no probabilities, so no log loss, Brier score or ECE either."""

    predictions: np.ndarray  # (rows,) int64 label indices
    probabilities: np.ndarray | None  # (rows, labels) float64
    report: dict[str, Any]  # of `metrics.classification_report`
    seconds: float  # of fitting and predicting
    by_length: dict[str, np.ndarray]  # probabilities of excerpts, as `evaluate.length_report`


def run_baseline(name: str, data: LoadedData, *, use_validation: bool = True) -> BaselineResult:
    """Fit a baseline (`BASELINES`) on single-label data and evaluate it on the test split.

    Without `use_validation` it is fitted on the training split only; a baseline chooses nothing by validation.
    """
    if data.multi_label:
        raise UserError("baselines predict one label per text, but these texts can have any number of labels")
    started = time.perf_counter()
    splits = [data.dataset["train"], *([data.dataset["validation"]] if use_validation else [])]
    fitted_on, test = concatenate_datasets(splits), data.dataset["test"]
    texts, labels = test["text"][:], np.asarray(test["label"][:], dtype=np.int64)
    pipeline = BASELINES[name]().fit(fitted_on["text"][:], fitted_on["label"][:])
    predictions = pipeline.predict(texts)

    def predict_proba(texts: list[str]) -> np.ndarray:
        # A label without training rows has no column.
        probabilities = np.zeros((len(texts), len(data.label_names)))
        probabilities[:, pipeline.classes_] = pipeline.predict_proba(texts)
        return probabilities

    probabilities = predict_proba(texts) if hasattr(pipeline, "predict_proba") else None
    seconds = time.perf_counter() - started
    report = classification_report(labels, probabilities, data.label_names, predictions=predictions)
    by_length: dict[str, np.ndarray] = {}
    if probabilities is not None:
        titled = data.info["has_titles"]
        report["by_length"], by_length = length_report(labels, probabilities, predict_proba, texts, titled)
    return BaselineResult(predictions, probabilities, report, seconds, by_length)
