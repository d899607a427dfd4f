"""Every multi-label figure against its value worked out by hand, and against the library's on random matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as library

from bbc_classifier.evaluation.multi_label_metrics import (
    LabelCounts,
    average_precisions,
    averaged_label_scores,
    cell_brier_score,
    cell_log_loss,
    count_cells,
    exact_rows,
    label_scores,
    mean_average_precision,
    set_metrics,
)

# Four rows, three labels; the second row has none, and nobody has the third label.
TARGETS = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]])
GIVEN = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 1], [1, 1, 0]])
PROBABILITIES = np.array([[0.9, 0.2, 0.1], [0.4, 0.3, 0.2], [0.6, 0.1, 0.8], [0.7, 0.8, 0.3]])

MATRICES = st.tuples(st.integers(1, 12), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(*[arrays(np.int64, shape, elements=st.integers(0, 1))] * 2)
)


def test_the_counts_are_those_worked_out_by_hand():
    counts = count_cells(TARGETS, GIVEN)
    assert {kind: values.tolist() for kind, values in counts._asdict().items()} == {
        "tp": [2, 1, 0],
        "fp": [1, 0, 1],
        "fn": [0, 1, 0],
        "tn": [1, 2, 3],
    }


def test_set_metrics_are_those_worked_out_by_hand():
    assert exact_rows(TARGETS, GIVEN).tolist() == [False, True, False, False]
    assert set_metrics(TARGETS, GIVEN) == pytest.approx(
        {
            "subset_accuracy": 1 / 4,
            "hamming_loss": 3 / 12,
            "micro_precision": 3 / 5,
            "micro_recall": 3 / 4,
            "micro_f1": 6 / 9,
            "macro_precision": (2 / 3 + 1 + 0) / 3,
            "macro_recall": (1 + 1 / 2 + 0) / 3,
            "macro_f1": (4 / 5 + 2 / 3 + 0) / 3,
            "weighted_precision": (2 * 2 / 3 + 2 * 1) / 4,
            "weighted_recall": (2 * 1 + 2 * 1 / 2) / 4,
            "weighted_f1": (2 * 4 / 5 + 2 * 2 / 3) / 4,
        }
    )


def test_a_label_that_no_row_has_and_none_was_given_scores_zero():
    counts = LabelCounts(*(np.array([value]) for value in (0, 0, 0, 7)))
    assert {name: values.tolist() for name, values in label_scores(counts).items()} == {
        "precision": [0],
        "recall": [0],
        "f1": [0],
    }


def test_many_counts_at_once_are_each_of_them_alone():
    one, other = count_cells(TARGETS, GIVEN), count_cells(GIVEN, TARGETS)
    both = averaged_label_scores(LabelCounts(*(np.stack(pair) for pair in zip(one, other, strict=True))))
    for index, alone in enumerate((one, other)):
        expected = {name: float(value) for name, value in averaged_label_scores(alone).items()}
        assert {name: values[index] for name, values in both.items()} == pytest.approx(expected)


def test_average_precision_is_the_one_worked_out_by_hand():
    # The first label: ranks 0.9 (yes), 0.7 (no), 0.6 (yes), 0.4 (no). The second: 0.8 (yes), 0.3 (no), 0.2 (yes).
    assert average_precisions(TARGETS, PROBABILITIES) == [
        pytest.approx((1 + 2 / 3) / 2),
        pytest.approx((1 + 2 / 3) / 2),
        None,
    ]
    assert mean_average_precision(TARGETS, PROBABILITIES) == pytest.approx(5 / 6)


def test_where_no_row_has_any_label_the_mean_average_precision_is_zero():
    assert mean_average_precision(np.zeros((3, 2)), np.full((3, 2), 0.5)) == 0


def test_log_loss_is_the_mean_over_cells():
    loss = cell_log_loss(np.array([[1, 0]]), np.array([[0.5, 0.75]]))
    assert loss == pytest.approx((math.log(2) + math.log(4)) / 2)


@pytest.mark.parametrize(("target", "probability"), [(1, 0.0), (0, 1.0)])
def test_log_loss_of_a_certain_error_is_large_and_finite(target, probability):
    assert cell_log_loss(np.array([[target]]), np.array([[probability]])) == pytest.approx(708.396, abs=1e-3)


def test_the_brier_score_is_the_mean_over_cells():
    score = cell_brier_score(np.array([[1, 0], [0, 0]]), np.array([[0.5, 0.75], [0.0, 1.0]]))
    assert score == pytest.approx((0.25 + 0.5625 + 0 + 1) / 4)


@settings(max_examples=30, deadline=None)
@given(MATRICES)
def test_the_figures_equal_the_librarys(matrices):
    targets, answer = matrices
    ours = set_metrics(targets, answer)
    assert ours["subset_accuracy"] == pytest.approx(library.accuracy_score(targets, answer))
    assert ours["hamming_loss"] == pytest.approx(library.hamming_loss(targets, answer))
    for average in ("micro", "macro", "weighted"):
        theirs = library.precision_recall_fscore_support(targets, answer, average=average, zero_division=0)[:3]
        assert [ours[f"{average}_{score}"] for score in ("precision", "recall", "f1")] == pytest.approx(list(theirs))


@settings(max_examples=20, deadline=None)
@given(MATRICES, st.randoms())
def test_no_figure_depends_on_the_order_of_the_rows(matrices, shuffler):
    targets, answer = matrices
    order = np.array(shuffler.sample(range(len(targets)), len(targets)))
    assert set_metrics(targets[order], answer[order]) == pytest.approx(set_metrics(targets, answer))


def test_one_label_alone_is_counted_as_a_label_and_not_as_two_classes():
    # The library takes a matrix of one column for two classes.
    metrics = set_metrics(np.array([[1], [0], [0], [0]]), np.array([[1], [1], [0], [0]]))
    assert metrics["macro_precision"] == metrics["micro_precision"] == metrics["weighted_precision"] == 0.5
