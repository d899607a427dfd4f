"""The report is plain data whose parts agree with each other, and broken probabilities make none."""

import json

import numpy as np
import pytest

from bbc_classifier.evaluation.report import evaluation_report

NAMES = ["a", "b", "c"]
OF_PROBABILITIES = {"log_loss", "brier_score", "expected_calibration_error"}


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 60)
    logits = generator.normal(0, 1, (60, 3)) + 2 * np.eye(3)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_the_report_survives_json(rows):
    report = evaluation_report(*rows, NAMES)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_parts_of_the_report_agree(rows):
    report = evaluation_report(*rows, NAMES)
    counts = np.array(report["confusion_matrix"]["counts"])
    assert report["n"] == counts.sum() == sum(row["support"] for row in report["per_class"].values()) == 60
    assert report["correct"] == np.trace(counts)
    assert report["metrics"]["accuracy"] == report["correct"] / 60
    assert report["metrics"]["macro_f1"] == pytest.approx(np.mean([row["f1"] for row in report["per_class"].values()]))


def test_every_interval_holds_its_figure(rows):
    report = evaluation_report(*rows, NAMES)
    assert set(report["intervals"]) == set(report["metrics"]) - OF_PROBABILITIES
    for name, (low, high) in report["intervals"].items():
        assert low <= report["metrics"][name] <= high


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_probability_that_is_no_number_makes_no_report(rows, number):
    labels, probabilities = rows
    broken = probabilities.copy()
    broken[7, 1] = number
    with pytest.raises(ValueError, match="probabilities that are numbers"):
        evaluation_report(labels, broken, NAMES)


def test_no_rows_make_no_report():
    with pytest.raises(ValueError, match="at least one row"):
        evaluation_report(np.array([], dtype=int), np.zeros((0, 3)), NAMES)
