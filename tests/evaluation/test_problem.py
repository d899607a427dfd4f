"""The two kinds of classification answer the same questions, each in its own way."""

import numpy as np
import pytest

from bbc_classifier.evaluation.metrics import label_metrics, log_loss
from bbc_classifier.evaluation.multi_label_metrics import cell_log_loss
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.inference.decision import sigmoid, softmax
from bbc_classifier.model.loss import PROBLEM_TYPES

NAMES = ["a", "b", "c"]
LOGITS = np.array([[2.0, -1.0, -2.0], [-1.0, 3.0, -3.0], [-2.0, -1.5, -1.0], [1.0, 0.5, -4.0]])
SINGLE, MULTI = problem_of(NAMES, multi_label=False), problem_of(NAMES, multi_label=True, thresholds=[0.5, 0.6, 0.2])
CLASSES = SINGLE.targets([0, 1, 2, 1], NAMES)
SETS = MULTI.targets([[0], [1], [2], [0, 1]], NAMES)


@pytest.mark.parametrize("problem", [SINGLE, MULTI], ids=["one label", "any number"])
def test_a_kind_has_the_librarys_name(problem):
    assert problem.problem_type in PROBLEM_TYPES


@pytest.mark.parametrize(("problem", "targets"), [(SINGLE, CLASSES), (MULTI, SETS)], ids=["one label", "any number"])
def test_validation_returns_the_figures_that_it_promises(problem, targets):
    figures = problem.validation_metrics(targets, LOGITS)
    assert set(figures) == set(problem.validated)
    order = np.array([2, 0, 3, 1])
    assert problem.validation_metrics(targets[order], LOGITS[order]) == pytest.approx(figures)


def test_label_totals_count_rows_by_label():
    assert SINGLE.label_totals(CLASSES) == [1, 2, 1]
    assert MULTI.label_totals(SETS) == [2, 2, 1]


def test_one_label_is_the_most_probable_and_a_set_is_what_reaches_its_thresholds():
    assert SINGLE.give(softmax(LOGITS)).tolist() == [0, 1, 2, 0]
    assert MULTI.give(sigmoid(LOGITS)).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [True, True, False],
    ]


def test_without_thresholds_no_label_can_be_given():
    with pytest.raises(ValueError, match="without thresholds"):
        problem_of(NAMES, multi_label=True).give(sigmoid(LOGITS))


def test_validation_of_one_label_is_the_metrics_of_the_most_probable():
    expected = {"log_loss": log_loss(CLASSES, softmax(LOGITS)), **label_metrics(CLASSES, np.array([0, 1, 2, 0]), 3)}
    assert SINGLE.validation_metrics(CLASSES, LOGITS) == expected


def test_validation_of_label_sets_gives_each_label_from_its_best_threshold_on():
    # Every label is told apart by some threshold, so nothing is wrong, although 0.5 would miss the third.
    figures = MULTI.validation_metrics(SETS, LOGITS)
    assert (figures["subset_accuracy"], figures["macro_f1"], figures["mean_average_precision"]) == (1, 1, 1)
    assert figures["log_loss"] == cell_log_loss(SETS, sigmoid(LOGITS))


def test_calibration_of_label_sets_chooses_thresholds_after_the_temperature():
    calibration = MULTI.calibrate(SETS, LOGITS)
    assert calibration.temperature != 1
    assert (sigmoid(LOGITS / calibration.temperature) >= calibration.thresholds).astype(int).tolist() == SETS.tolist()
    assert SINGLE.calibrate(CLASSES, LOGITS).thresholds is None
