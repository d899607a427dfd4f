"""Every figure against its value worked out by hand, and against the library's on random confusion matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bbc_classifier.evaluation.intervals import averaged_scores
from bbc_classifier.evaluation.metrics import brier_score, class_table, confusion, label_metrics, log_loss

# Class 2 is never predicted: its precision has a zero denominator.
LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0])
COUNTS = [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
MATRICES = st.integers(2, 6).flatmap(lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 30)))


def rows_of(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions that have these counts."""
    true, predicted = np.indices(counts.shape)
    return np.repeat(true.ravel(), counts.ravel()), np.repeat(predicted.ravel(), counts.ravel())


def test_label_metrics_are_those_worked_out_by_hand():
    assert label_metrics(LABELS, PREDICTIONS, 3) == pytest.approx(
        {
            "accuracy": 4 / 6,
            "macro_precision": (2 / 3 + 2 / 3 + 0) / 3,
            "macro_recall": (2 / 3 + 1 + 0) / 3,
            "macro_f1": (2 / 3 + 4 / 5 + 0) / 3,
            "weighted_precision": (3 * 2 / 3 + 2 * 2 / 3) / 6,
            "weighted_recall": (3 * 2 / 3 + 2 * 1) / 6,
            "weighted_f1": (3 * 2 / 3 + 2 * 4 / 5) / 6,
        }
    )


def test_a_class_that_no_row_has_counts_in_the_macro_average():
    labels = np.array([0, 1])
    assert label_metrics(labels, labels, 4)["macro_f1"] == pytest.approx(0.5)
    assert label_metrics(labels, labels, 4)["weighted_f1"] == 1


def test_the_class_table_has_every_class_under_its_name():
    table = class_table(LABELS, PREDICTIONS, ["a", "b", "c"])
    assert table["a"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3})
    assert table["b"] == pytest.approx({"precision": 2 / 3, "recall": 1, "f1": 4 / 5, "support": 2})
    assert table["c"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}


def test_the_confusion_matrix_has_true_labels_down_and_predicted_ones_across():
    assert confusion(LABELS, PREDICTIONS, 3).tolist() == COUNTS
    assert confusion(LABELS, PREDICTIONS, 4).shape == (4, 4)


def test_log_loss_is_the_mean_of_minus_log_p():
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25]])
    assert log_loss(np.array([0, 1]), probabilities) == pytest.approx(1.5 * math.log(2))


def test_log_loss_of_a_certain_error_is_large_and_finite():
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(708.396, abs=1e-3)


@pytest.mark.parametrize(
    ("row", "label", "expected"),
    [([0.5, 0.3, 0.2], 0, 0.38), ([1.0, 0.0, 0.0], 0, 0.0), ([1.0, 0.0, 0.0], 2, 2.0), ([1 / 3] * 3, 1, 2 / 3)],
)
def test_the_brier_score_is_the_one_worked_out_by_hand(row, label, expected):
    assert brier_score(np.array([label]), np.array([row])) == pytest.approx(expected)


def test_nan_does_not_turn_into_a_figure():
    broken = np.array([[np.nan, np.nan]])
    assert math.isnan(log_loss(np.array([0]), broken))
    assert math.isnan(brier_score(np.array([0]), broken))


@settings(max_examples=20, deadline=None)
@given(MATRICES.filter(lambda counts: counts.sum() > 0))
def test_averages_of_a_matrix_equal_the_librarys_of_its_rows(counts):
    labels, predictions = rows_of(counts)
    assert confusion(labels, predictions, len(counts)).tolist() == counts.tolist()
    expected = label_metrics(labels, predictions, len(counts))
    averaged = averaged_scores(counts[None])
    assert {name: values[0] for name, values in averaged.items()} == pytest.approx(
        {name: value for name, value in expected.items() if name != "accuracy"}
    )


@settings(max_examples=20, deadline=None)
@given(MATRICES.filter(lambda counts: counts.sum() > 0), st.randoms())
def test_no_figure_depends_on_the_order_of_the_rows(counts, shuffler):
    labels, predictions = rows_of(counts)
    order = np.array(shuffler.sample(range(len(labels)), len(labels)))
    there = label_metrics(labels[order], predictions[order], len(counts))
    assert there == pytest.approx(label_metrics(labels, predictions, len(counts)))
