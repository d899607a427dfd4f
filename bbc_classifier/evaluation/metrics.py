"""Metrics by scikit-learn, as an offline module of the `evaluate` library, and reports of them with intervals.

Arrays everywhere: `y_true` and predictions are (n,) int64 class indices, or (n, labels) bool where a row can have any
number of labels; probabilities and logits are (n, labels) in the order of the classifier's labels.
"""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
import sklearn.metrics
from scipy.sparse import csr_array

from bbc_classifier.evaluation.calibration import BINS, expected_calibration_error, fit_thresholds
from bbc_classifier.evaluation.statistics import LEVEL, RESAMPLES, bootstrap_intervals, wilson_interval
from bbc_classifier.inference.classifier import predict_labels, sigmoid, softmax

SCORES = ("precision", "recall", "f1")
AVERAGES = {False: ("macro", "weighted"), True: ("micro", "macro", "weighted")}  # by whether rows are multi-label


class ClassificationMetrics(evaluate.Metric):
    """Accuracy and averaged precision, recall and F1; with probabilities also log loss, Brier score and ECE.

    A module of the `evaluate` library that needs no network. The configuration "multilabel" takes rows of 0 and 1, one
    column per label, and adds micro averages, Hamming loss and mean average precision. Optional arguments of `compute`:
    `probabilities`, (n, labels), and `num_labels`, the number of classes.
    """

    def __init__(self, config_name: str = "default", **kwargs: Any):
        # On disk, one failed call would leave a lock that slows down every later one.
        super().__init__(config_name=config_name, **{"keep_in_memory": True, **kwargs})

    def _info(self) -> evaluate.MetricInfo:
        value = datasets.Value("int64")
        feature = datasets.List(datasets.Value("bool")) if self.config_name == "multilabel" else value
        return evaluate.MetricInfo(
            description="Metrics of text classification.",
            citation="",
            inputs_description="predictions, references: class indices; or rows of 0 and 1, one column per label.",
            features=datasets.Features({"predictions": feature, "references": feature}),
        )

    def _compute(
        self, predictions: Any, references: Any, probabilities: Any = None, num_labels: int | None = None
    ) -> dict[str, float]:
        y_true, y_pred = np.asarray(references), np.asarray(predictions)
        multi_label = y_true.ndim == 2
        is_wrong = y_true != y_pred
        if multi_label:
            num_labels = y_true.shape[1]
            metrics = {"subset_accuracy": (~is_wrong.any(axis=1)).mean(), "hamming_loss": is_wrong.mean()}
        else:
            num_labels = num_labels or int(max(y_true.max(), y_pred.max())) + 1
            metrics = {"accuracy": (~is_wrong).mean()}
        for average in AVERAGES[multi_label]:
            scores = zip(SCORES, _scores(y_true, y_pred, num_labels, average), strict=False)
            metrics |= {f"{average}_{name}": value for name, value in scores}
        if probabilities is not None:
            probabilities = np.asarray(probabilities, dtype=np.float64)
            if multi_label:
                known = [value for value in _average_precision(y_true, probabilities) if value is not None]
                metrics["mean_average_precision"] = np.mean(known) if known else 0.0
                # Means over rows and labels, each a question of yes or no; scikit-learn's are of one label.
                of_truth = np.where(y_true, probabilities, 1 - probabilities).clip(np.finfo(np.float64).tiny)
                metrics |= {"log_loss": -np.log(of_truth).mean(), "brier_score": np.mean((probabilities - y_true) ** 2)}
            else:
                probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)  # those of float32 are not 1
                rows, labels = (y_true, probabilities), np.arange(num_labels)
                metrics["log_loss"] = sklearn.metrics.log_loss(*rows, labels=labels)
                # The sum over classes, in [0, 2].
                metrics["brier_score"] = sklearn.metrics.brier_score_loss(*rows, labels=labels, scale_by_half=False)
            metrics["expected_calibration_error"] = expected_calibration_error(y_true, probabilities)
        return {name: float(value) for name, value in metrics.items()}


def compute_metrics(
    y_true: np.ndarray, predictions: np.ndarray, probabilities: np.ndarray | None = None, num_labels: int | None = None
) -> dict[str, float]:
    """Return `ClassificationMetrics` of one label a row, (n,), or of any number, (n, labels)."""
    metric = ClassificationMetrics("default" if y_true.ndim == 1 else "multilabel")
    optional = {"probabilities": probabilities, "num_labels": num_labels}
    return metric.compute(predictions=predictions, references=y_true, **optional)


def metric_names(multi_label: bool) -> tuple[str, ...]:
    """Return the names of `validation_metrics`: what a checkpoint can be chosen by."""
    first = ("subset_accuracy", "hamming_loss", "mean_average_precision") if multi_label else ("accuracy",)
    return ("log_loss", *first, *(f"{average}_{score}" for average in AVERAGES[multi_label] for score in SCORES))


def validation_metrics(y_true: np.ndarray, logits: np.ndarray, multi_label: bool = False) -> dict[str, float]:
    """Return the metrics named by `metric_names`; all are NaN if any logit is NaN or infinite.

    Labels of multi-label rows are predicted from the thresholds that are best on these very rows, as the finished
    classifier's will be: at 0.5, a classifier of rare labels predicts none in its first epochs. Their `y_true` may also
    be (n, labels) of 0 and 1.
    """
    names = metric_names(multi_label)
    if not np.isfinite(logits).all():
        return dict.fromkeys(names, float("nan"))
    logits = np.asarray(logits, dtype=np.float64)
    probabilities = sigmoid(logits) if multi_label else softmax(logits)
    y_true = np.asarray(y_true, dtype=bool if multi_label else np.int64)
    thresholds = fit_thresholds(y_true, probabilities) if multi_label else None
    metrics = compute_metrics(y_true, predict_labels(probabilities, thresholds), probabilities, logits.shape[1])
    return {name: metrics[name] for name in names}


def classification_report(
    y_true: np.ndarray,
    probabilities: np.ndarray | None,
    label_names: Sequence[str],
    thresholds: Sequence[float] | None = None,
    *,
    predictions: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return metrics with intervals, scores by label and the confusion matrix as plain data: a split's record entry.

    `y_true` is (n,) class indices or (n, labels) bool, as are `predictions`, which by default follow from probabilities
    (n, labels) and thresholds. Without probabilities there is no log loss, Brier score or ECE.

    Returns `n` rows, `correct` (all labels of a row, if it can have several), `metrics`, `intervals` of 95 %,
    `interval_method`, `per_class`, and `confusion_matrix` (`labels`; `counts`, true labels down), or for multi-label
    rows `per_label`, the `tp`, `fp`, `fn`, `tn` of each label.
    """
    if predictions is None:
        predictions = predict_labels(np.asarray(probabilities), thresholds)
    n, num_labels, multi_label = len(y_true), len(label_names), y_true.ndim == 2
    metrics = compute_metrics(y_true, predictions, probabilities, num_labels)
    correct = int((y_true == predictions).reshape(n, -1).all(axis=1).sum())
    accuracy = "subset_accuracy" if multi_label else "accuracy"
    report: dict[str, Any] = {
        "n": n,
        "correct": correct,
        "metrics": metrics,
        "intervals": {accuracy: wilson_interval(correct, n), **_bootstrap(y_true, predictions, num_labels)},
        "interval_method": {
            "level": LEVEL,
            accuracy: "Wilson score",
            "others": f"percentile bootstrap over rows, {RESAMPLES} resamples, seed 0",
            "calibration_bins": BINS,
        },
    }
    columns = dict(zip((*SCORES, "support"), _scores(y_true, predictions, num_labels, None), strict=True))
    rows = [{name: values[i].item() for name, values in columns.items()} for i in range(num_labels)]
    report["per_class"] = dict(zip(label_names, rows, strict=True))
    if not multi_label:
        counts = sklearn.metrics.confusion_matrix(y_true, predictions, labels=range(num_labels))
        return {**report, "confusion_matrix": {"labels": list(label_names), "counts": counts.tolist()}}
    average_precision = [None] * num_labels if probabilities is None else _average_precision(y_true, probabilities)
    for label, row in enumerate(rows):
        row["average_precision"] = average_precision[label]
        row["threshold"] = None if thresholds is None else float(thresholds[label])
    tp, predicted, true = (cells.sum(axis=0) for cells in (y_true & predictions, predictions, y_true))
    kinds = {"tp": tp, "fp": predicted - tp, "fn": true - tp, "tn": n - predicted - true + tp}
    per_label = [{kind: int(values[i]) for kind, values in kinds.items()} for i in range(num_labels)]
    return {**report, "per_label": dict(zip(label_names, per_label, strict=True))}


def _scores(y_true: np.ndarray, y_pred: np.ndarray, num_labels: int, average: str | None) -> tuple[np.ndarray, ...]:
    """Return precision, recall, F1 and support; a zero denominator gives 0.

    A macro average of single-label rows counts the labels that occur in `y_true` or `y_pred`, as scikit-learn's does.
    """
    if y_true.ndim == 2 and num_labels == 1:
        # scikit-learn takes a single column for two classes; a second, empty one is left out by `labels`.
        y_true, y_pred = (np.pad(values, ((0, 0), (0, 1))) for values in (y_true, y_pred))
    labels = np.union1d(y_true, y_pred) if average and y_true.ndim == 1 else range(num_labels)
    options = {"labels": labels, "average": average, "zero_division": 0}
    return sklearn.metrics.precision_recall_fscore_support(y_true, y_pred, **options)


def _average_precision(y_true: np.ndarray, probabilities: np.ndarray) -> list[float | None]:
    """Return each label's average precision; None where no row has the label."""
    return [
        float(sklearn.metrics.average_precision_score(column, probabilities[:, label])) if column.any() else None
        for label, column in enumerate(y_true.T)
    ]


def _bootstrap(y_true: np.ndarray, predictions: np.ndarray, num_labels: int) -> dict[str, list[float]]:
    """Return intervals of the averaged scores, and of the Hamming loss of multi-label rows.

    Rows are resampled whole, since the labels of a row depend on each other. All scores follow from three counts per
    label, so a resample needs memory for rows and labels, not for the square of the labels.
    """
    multi_label = y_true.ndim == 2
    both = np.hstack([y_true, predictions]) if multi_label else np.column_stack([y_true, predictions])
    kinds, counts = np.unique(both, axis=0, return_counts=True)
    parts = np.hsplit(kinds, 2) if multi_label else np.eye(num_labels, dtype=bool)[kinds.T]
    true, predicted = (csr_array(part, dtype=np.float64) for part in parts)
    hits = true * predicted
    return bootstrap_intervals(
        lambda weights: averaged_scores(weights @ hits, weights @ predicted, weights @ true, len(y_true), multi_label),
        counts,
    )


def averaged_scores(
    tp: np.ndarray, predicted: np.ndarray, true: np.ndarray, n: int, multi_label: bool
) -> dict[str, np.ndarray]:
    """Return averaged precision, recall and F1, and the Hamming loss of multi-label rows, of many samples of `n` rows.

    `tp`, `predicted` and `true` are (samples, labels): how many rows have a label and are predicted to have it, are
    predicted to have it, and have it.
    """
    share = true / np.maximum(true.sum(axis=1, keepdims=True), 1)
    scores = {}
    for average in AVERAGES[multi_label]:
        counts = [each.sum(axis=1, keepdims=True) if average == "micro" else each for each in (tp, predicted, true)]
        fractions = ((counts[0], counts[1]), (counts[0], counts[2]), (2 * counts[0], counts[1] + counts[2]))
        for name, (above, below) in zip(SCORES, fractions, strict=True):
            values = above / np.where(below > 0, below, 1)
            occurs = (counts[1] + counts[2] > 0) | multi_label
            weights = share if average == "weighted" else occurs / occurs.sum(axis=1, keepdims=True)
            scores[f"{average}_{name}"] = (values * weights).sum(axis=1)
    return scores | ({"hamming_loss": (predicted + true - 2 * tp).mean(axis=1) / n} if multi_label else {})
