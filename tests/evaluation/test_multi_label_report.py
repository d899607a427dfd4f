"""The multi-label report has the outer keys of the single-label one, and its parts agree with each other."""

import json

import numpy as np
import pytest

from bbc_classifier.evaluation.multi_label_report import multi_label_report
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.evaluation.report import evaluation_report
from tests.evaluation.test_multi_label_metrics import GIVEN, PROBABILITIES, TARGETS

NAMES, THRESHOLDS = ["a", "b", "never"], [0.5, 0.4, 0.8]
WITHOUT_INTERVAL = {"mean_average_precision", "log_loss", "brier_score", "expected_calibration_error"}


@pytest.fixture(scope="module")
def report() -> dict:
    return multi_label_report(TARGETS, GIVEN, PROBABILITIES, NAMES, THRESHOLDS)


def test_the_given_labels_of_this_test_are_those_of_its_thresholds():
    assert (problem_of(NAMES, multi_label=True, thresholds=THRESHOLDS).give(PROBABILITIES) == GIVEN).all()


def test_the_report_survives_json_and_has_the_outer_keys_of_the_other(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    other = evaluation_report(np.array([0, 1]), np.eye(2), ["a", "b"])
    assert set(other) - set(report) == {"confusion_matrix"}
    assert set(report) - set(other) == {"label_counts"}


def test_the_parts_of_the_report_agree(report):
    assert (report["n"], report["correct"]) == (4, 1)
    assert report["metrics"]["subset_accuracy"] == 1 / 4
    assert report["label_counts"]["a"] == {"tp": 2, "fp": 1, "fn": 0, "tn": 1}
    assert report["metrics"]["macro_f1"] == pytest.approx(np.mean([row["f1"] for row in report["per_class"].values()]))
    for name, row in report["per_class"].items():
        counts = report["label_counts"][name]
        assert sum(counts.values()) == 4
        assert row["support"] == counts["tp"] + counts["fn"]


def test_the_table_of_classes_says_what_was_given_from_where_on(report):
    assert report["per_class"]["b"] == pytest.approx(
        {"precision": 1, "recall": 0.5, "f1": 2 / 3, "average_precision": 5 / 6, "threshold": 0.4, "support": 2}
    )
    assert report["per_class"]["never"]["average_precision"] is None


def test_rows_of_different_thresholds_have_none_in_the_report():
    report = multi_label_report(TARGETS, GIVEN, PROBABILITIES, NAMES, None)
    assert {row["threshold"] for row in report["per_class"].values()} == {None}


def test_every_interval_holds_its_figure(report):
    assert set(report["intervals"]) == set(report["metrics"]) - WITHOUT_INTERVAL
    for name, (low, high) in report["intervals"].items():
        assert low <= report["metrics"][name] <= high


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_probability_that_is_no_number_makes_no_report(number):
    broken = PROBABILITIES.copy()
    broken[1, 1] = number
    with pytest.raises(ValueError, match="probabilities that are numbers"):
        multi_label_report(TARGETS, GIVEN, broken, NAMES, THRESHOLDS)


def test_no_rows_make_no_report():
    nothing = np.zeros((0, 3))
    with pytest.raises(ValueError, match="at least one row"):
        multi_label_report(nothing, nothing, nothing, NAMES, THRESHOLDS)
