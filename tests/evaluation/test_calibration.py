"""Calibration error and thresholds by hand; temperatures where the loss is least."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bbc_classifier.evaluation import calibration
from bbc_classifier.evaluation.calibration import expected_calibration_error, fit_temperature, fit_thresholds
from bbc_classifier.evaluation.metrics import compute_metrics
from bbc_classifier.inference.classifier import sigmoid, softmax


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
    assert 0 < best < 1
    assert f1_score(has_label, probabilities >= best, zero_division=0) >= (
        f1_score(has_label, probabilities >= other, zero_division=0) if has_label.any() else 0
    )
