"""Metrics against hand-computed values and scikit-learn; reports; memory with many labels; calibration by hand."""

import json
import math
import tracemalloc

import evaluate
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, hamming_loss, precision_recall_fscore_support

from bbc_classifier.evaluation import calibration
from bbc_classifier.evaluation import metrics as module
from bbc_classifier.evaluation.calibration import expected_calibration_error, fit_temperature, fit_thresholds
from bbc_classifier.evaluation.metrics import classification_report, compute_metrics, metric_names
from bbc_classifier.inference.classifier import sigmoid, softmax

NAMES = ("precision", "recall", "f1")
# Class 2 is never predicted: its precision has a zero denominator.
Y_TRUE = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0])
# Four rows, three labels; the second row has none, and no row has the third label.
MULTI_TRUE = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
MULTI_PREDICTED = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 1], [1, 1, 0]], dtype=bool)
MULTI_PROBABILITIES = np.array([[0.9, 0.2, 0.1], [0.4, 0.3, 0.2], [0.6, 0.1, 0.8], [0.7, 0.8, 0.3]])
THRESHOLDS = [0.5, 0.4, 0.8]
MULTI_ROWS = st.tuples(st.integers(1, 12), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def test_single_label_metrics_by_hand():
    metrics = compute_metrics(Y_TRUE, PREDICTIONS)
    macro = [(2 / 3 + 2 / 3 + 0) / 3, (2 / 3 + 1 + 0) / 3, (2 / 3 + 4 / 5 + 0) / 3]
    weighted = [(3 * 2 / 3 + 2 * 2 / 3) / 6, (3 * 2 / 3 + 2 * 1) / 6, (3 * 2 / 3 + 2 * 4 / 5) / 6]
    assert list(metrics.values()) == pytest.approx([4 / 6, *macro, *weighted])
    assert set(metrics) == set(metric_names(False)) - {"log_loss"}
    # Labels that do not occur count nowhere, in the intervals too.
    probabilities = np.eye(5)[[1, 3, 3, 1]]
    report = classification_report(np.array([1, 3, 3, 1]), probabilities, list("abcde"))
    assert report["metrics"]["macro_f1"] == 1 and report["intervals"]["macro_f1"] == [1, 1]
    metrics = compute_metrics(np.array([0, 1]), np.array([0, 0]), np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert metrics["log_loss"] == pytest.approx(1.5 * math.log(2))
    assert metrics["brier_score"] == pytest.approx((0.5 + 1.125) / 2)


def test_multi_label_metrics_by_hand():
    metrics = compute_metrics(MULTI_TRUE, MULTI_PREDICTED, MULTI_PROBABILITIES)
    assert [metrics[name] for name in ("subset_accuracy", "hamming_loss")] == [1 / 4, 3 / 12]
    assert [metrics[f"micro_{name}"] for name in NAMES] == pytest.approx([3 / 5, 3 / 4, 6 / 9])
    assert [metrics[f"macro_{name}"] for name in NAMES] == pytest.approx([5 / 9, 1 / 2, (4 / 5 + 2 / 3 + 0) / 3])
    # Both labels that occur: ranked yes, no, yes. The third has no row and is left out.
    assert metrics["mean_average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    p = np.where(MULTI_TRUE, MULTI_PROBABILITIES, 1 - MULTI_PROBABILITIES)
    assert metrics["log_loss"] == pytest.approx(-np.log(p).mean())
    assert metrics["brier_score"] == pytest.approx(((1 - p) ** 2).mean())
    # A single column is a label and not two classes.
    assert compute_metrics(np.array([[True], [False]]), np.array([[True], [True]]))["macro_precision"] == 0.5


def test_the_module_works_as_the_evaluate_library_uses_it():
    metric = module.ClassificationMetrics()
    for rows in (slice(0, 3), slice(3, 6)):
        metric.add_batch(predictions=PREDICTIONS[rows], references=Y_TRUE[rows])
    assert metric.compute() == compute_metrics(Y_TRUE, PREDICTIONS)
    assert evaluate.combine([metric, module.ClassificationMetrics()]).compute(predictions=[0, 1], references=[0, 1])


@settings(max_examples=30, deadline=None)
@given(MULTI_ROWS)
def test_scores_from_counts_equal_those_of_scikit_learn(rows):
    y_true, y_pred = rows
    counts = [cells.sum(axis=0)[None].astype(float) for cells in (y_true & y_pred, y_pred, y_true)]
    scores = module.averaged_scores(*counts, len(y_true), multi_label=True)
    assert scores["hamming_loss"][0] == pytest.approx(hamming_loss(y_true, y_pred))
    for average in ("micro", "macro", "weighted"):
        expected = precision_recall_fscore_support(y_true, y_pred, average=average, zero_division=0)[:3]
        assert [scores[f"{average}_{name}"][0] for name in NAMES] == pytest.approx(expected)


def test_intervals_agree_with_resampling_rows():
    generator = np.random.default_rng(5)
    y_true = generator.integers(0, 3, 60)
    y_pred = np.where(generator.random(60) < 0.8, y_true, generator.integers(0, 3, 60))
    draws = [generator.integers(0, 60, 60) for _ in range(400)]
    expected = np.quantile([f1_score(y_true[d], y_pred[d], average="macro") for d in draws], [0.025, 0.975])
    one_hot = np.eye(3, dtype=bool)
    for labels, predictions in ((y_true, y_pred), (one_hot[y_true], one_hot[y_pred])):
        report = classification_report(labels, None, list("abc"), predictions=predictions)
        assert report["intervals"]["macro_f1"] == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_report_is_plain_data_whose_parts_agree(multi_label):
    names = ["a", "b", "never"]
    if multi_label:
        report = classification_report(MULTI_TRUE, MULTI_PROBABILITIES, names, THRESHOLDS)
        assert (report["n"], report["correct"]) == (4, 1)
        assert report["per_label"]["a"] == {"tp": 2, "fp": 1, "fn": 0, "tn": 1}
        scores = {"precision": 1, "recall": 0.5, "f1": 2 / 3, "support": 2, "average_precision": 5 / 6}
        scores["threshold"] = 0.4
        assert report["per_class"]["never"]["average_precision"] is None
    else:
        report = classification_report(Y_TRUE, np.eye(3)[PREDICTIONS] * 0.7 + 0.1, names)
        assert (report["n"], report["correct"]) == (6, 4)
        assert report["confusion_matrix"] == {"labels": names, "counts": [[2, 1, 0], [0, 2, 0], [1, 0, 0]]}
        scores = {"precision": 2 / 3, "recall": 1, "f1": 4 / 5, "support": 2}
    assert report["per_class"]["b"] == pytest.approx(scores)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for name, (low, high) in report["intervals"].items():
        assert 0 <= low <= report["metrics"][name] <= high <= 1


@pytest.mark.parametrize("multi_label", [False, True])
def test_validation_metrics_are_those_named_and_do_not_depend_on_row_order(multi_label):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(50, 4))
    y_true = (generator.random((50, 4)) < 0.3).astype(np.float32) if multi_label else generator.integers(0, 4, 50)
    metrics = module.validation_metrics(y_true, logits, multi_label)
    assert tuple(metrics) == metric_names(multi_label)
    order = generator.permutation(50)
    assert module.validation_metrics(y_true[order], logits[order], multi_label) == pytest.approx(metrics)
    logits[3, 1] = np.nan
    assert all(math.isnan(value) for value in module.validation_metrics(y_true, logits, multi_label).values())


@pytest.mark.parametrize(("num_labels", "multi_label"), [(1200, False), (200, True)])
def test_many_labels_need_little_more_memory_than_their_probabilities(num_labels, multi_label):
    y_true, names = np.arange(2 * num_labels) % num_labels, list(map(str, range(num_labels)))
    one_hot = np.eye(num_labels, dtype=bool)[y_true]
    probabilities = np.where(one_hot, 0.5, 0.5 / (num_labels - 1))
    labels, thresholds = (one_hot, [0.5] * num_labels) if multi_label else (y_true, None)
    tracemalloc.start()
    assert "macro_f1" in classification_report(labels, probabilities, names, thresholds)["intervals"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # With 1,200 labels 230 MB; 2,000 resamples of the confusion matrix were 23 GB.
    assert peak < 10 * probabilities.nbytes + 50e6


def test_calibration_error_by_hand():
    # Of 5 bins, (0.4, 0.6] holds two rows of confidence 0.6, one correct; (0.8, 1] holds 0.9 and 1.0, both correct.
    y_true, probabilities = np.array([0, 1, 0, 0]), np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [1.0, 0.0]])
    assert calibration.reliability_curve(y_true, probabilities, bins=5) == [
        pytest.approx({"rows": 2, "confidence": 0.6, "accuracy": 0.5}),
        pytest.approx({"rows": 2, "confidence": 0.95, "accuracy": 1.0}),
    ]
    error = expected_calibration_error(y_true, probabilities, bins=5)
    assert error == pytest.approx(0.5 * abs(0.5 - 0.6) + 0.5 * abs(1 - 0.95))
    # Multi-label: (0, 0.2] holds 0.1 and 0 (neither has the label), (0.8, 1] holds 0.9 (has it) and 1.0 (has not).
    error = expected_calibration_error(np.array([[0, 1], [0, 0]]), np.array([[0.1, 0.9], [1.0, 0.0]]), bins=5)
    assert error == pytest.approx(0.5 * abs(0 - 0.05) + 0.5 * abs(0.5 - 0.95))


def test_the_threshold_of_adaptive_reading_by_hand():
    # Of 400 rows 2 may differ. The openings of 5 differ, at 0.991 to 0.995; the threshold is just above the third.
    confidence = np.concatenate([[0.991, 0.995, 0.992, 0.994, 0.993], np.full(395, 0.999)])
    opening = np.stack([confidence, 1 - confidence], axis=1)
    whole = np.repeat([[0.1, 0.9], [0.9, 0.1]], [5, 395], axis=0)
    threshold = calibration.choose_reading_threshold(opening, whole)
    assert 0.993 < threshold < 0.9930001 and ((confidence >= threshold) & (np.arange(400) < 5)).sum() == 2
    assert calibration.choose_reading_threshold(opening[5:], whole[5:]) == calibration.MIN_CONFIDENCE
    assert calibration.choose_reading_threshold(opening[:199], whole[:199]) is None


def test_the_suggested_confidence_by_hand():
    # The 150 most confident rows are correct, then every other one: 152 of 153 are enough, 152 of 154 not.
    confidence = np.linspace(0.99, 0.7, 200)
    probabilities, is_correct = np.stack([confidence, 1 - confidence], axis=1), np.arange(200) % 2 == 0
    is_correct[:150] = True
    suggested = calibration.suggest_min_confidence(np.where(is_correct, 0, 1), probabilities)
    assert suggested == pytest.approx({"min_confidence": confidence[152], "share": 153 / 200, "accuracy": 152 / 153})
    assert calibration.suggest_min_confidence(np.ones(200, dtype=int), probabilities) is None
    assert calibration.suggest_min_confidence(np.zeros(199, dtype=int), probabilities[:199]) is None


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_fitted_temperature_has_the_least_loss(multi_label):
    generator = np.random.default_rng(1)
    logits, activation = generator.normal(-1, 2, (400, 4)), sigmoid if multi_label else softmax
    p = activation(logits)  # labels are drawn from these; the logits below are three times too large
    y_true = generator.random(p.shape) < p if multi_label else (p.cumsum(1) < generator.random((400, 1))).sum(axis=1)

    def loss(temperature: float) -> float:
        p = activation(3 * logits / temperature)
        return compute_metrics(y_true, p >= 0.5 if multi_label else p.argmax(1), p)["log_loss"]

    best = fit_temperature(y_true, 3 * logits, multi_label)
    assert loss(best) < min(loss(best * 0.98), loss(best * 1.02))


@pytest.mark.parametrize(
    ("y_true", "multi_label", "expected"),
    [([0, 1], False, 1), ([[1, 0], [0, 1]], True, 1), ([1, 0], False, None), ([[0, 1], [1, 0]], True, None)],
)
def test_temperatures_without_a_minimum(y_true, multi_label, expected):
    fitted = fit_temperature(np.array(y_true), np.array([[3.0, -1.0], [-1.0, 2.0]]), multi_label)
    assert fitted == pytest.approx(expected or calibration.TEMPERATURE_RANGE[1], rel=1e-3)


@pytest.mark.parametrize(
    ("has_label", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.5),  # all from 0.2 to 0.8 are perfect; 0.5 is one of them
        ([0, 0, 1, 1], [0.6, 0.7, 0.8, 0.9], 0.75),
        ([1, 1, 1, 0], [0.3, 0.2, 0.1, 0.4], 0.05),  # F1 of 6/7 if predicted always
        ([1, 0, 1, 0], [0.9, 0.6, 0.3, 0.1], 0.2),  # F1 of 2/3 with one row, 1/2 with two, 4/5 with three
        ([1, 0, 0, 1], [0.7, 0.6, 0.55, 0.35], 0.65),  # as good as below 0.4, and closer to 0.5
        ([0, 0, 0], [0.9, 0.8, 0.7], 0.5),
    ],
)
def test_thresholds_by_hand(has_label, probabilities, expected):
    assert fit_thresholds(np.array([has_label]).T, np.array([probabilities]).T) == pytest.approx([expected])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(1e-6, 1)), min_size=1, max_size=25), st.floats(0.001, 0.999))
def test_no_other_threshold_has_a_better_f1(rows, other):
    has_label, probabilities = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    (best,) = fit_thresholds(has_label[:, None], probabilities[:, None])
    scores = [f1_score(has_label, probabilities >= threshold, zero_division=0) for threshold in (best, other)]
    assert 0 < best < 1 and scores[0] >= scores[1]
