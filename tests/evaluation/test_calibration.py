"""The calibration error by hand, and a temperature that is where the loss is least."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.evaluation.calibration import TEMPERATURE_RANGE, expected_calibration_error, fit_temperature
from bbc_classifier.evaluation.metrics import log_loss
from bbc_classifier.inference.decision import softmax


def two_classes(confidences: list[float]) -> np.ndarray:
    """Return rows whose most probable class is 0 with the given confidence."""
    first = np.array(confidences)
    return np.column_stack([first, 1 - first])


def calibrated(rows: int = 5000, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, and labels drawn from the very probabilities that the logits state."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (rows, classes))
    draws = generator.random(rows)[:, None]
    return logits, (softmax(logits).cumsum(axis=1) < draws).sum(axis=1)


def test_the_error_is_the_one_worked_out_by_hand():
    # Of 5 bins, (0.4, 0.6] holds two rows of confidence 0.6, one right; (0.8, 1] holds 0.9 and 1.0, both right.
    labels = np.array([0, 1, 0, 0])
    error = expected_calibration_error(labels, two_classes([0.6, 0.6, 0.9, 1.0]), bins=5)
    assert error == pytest.approx(0.5 * abs(0.5 - 0.6) + 0.5 * abs(1 - 0.95))


@pytest.mark.parametrize("edge", [3, 4])
def test_a_confidence_on_the_edge_of_a_bin_belongs_to_the_bin_below(edge):
    # With bins closed on the right a wrong row at the edge and a right one just below it share a bin.
    labels, confidences = np.array([1, 0]), [edge / 5, edge / 5 - 0.05]
    error = expected_calibration_error(labels, two_classes(confidences), bins=5)
    assert error == pytest.approx(abs(0.5 - np.mean(confidences)))


def test_every_edge_of_fifteen_bins_is_exact():
    for edge in range(8, 15):
        labels, confidences = np.array([1, 0]), [edge / 15, edge / 15 - 0.01]
        error = expected_calibration_error(labels, two_classes(confidences))
        assert error == pytest.approx(abs(0.5 - np.mean(confidences)))


def test_certainty_is_in_the_last_bin():
    assert expected_calibration_error(np.array([0, 0]), two_classes([1.0, 1.0])) == 0
    assert expected_calibration_error(np.array([1, 1]), two_classes([1.0, 1.0])) == 1


def test_calibrated_rows_have_a_small_error_and_overconfident_ones_a_large_one():
    logits, labels = calibrated()
    assert expected_calibration_error(labels, softmax(logits)) < 0.03
    assert expected_calibration_error(labels, softmax(4 * logits)) > 0.1


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 8))
def test_the_temperature_undoes_a_known_overconfidence(factor):
    logits, labels = calibrated()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.06)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 5))
def test_scaling_the_logits_scales_the_temperature(factor):
    logits, labels = calibrated(500)
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-4)


@pytest.mark.parametrize("shift", [0.98, 1.02])
def test_no_temperature_nearby_has_a_smaller_loss(shift):
    logits, labels = calibrated(300, seed=1)
    temperature = fit_temperature(3 * logits, labels)
    best = log_loss(labels, softmax(3 * logits / temperature))
    assert best < log_loss(labels, softmax(3 * logits / (temperature * shift)))


def test_logits_with_the_temperature_folded_in_need_no_other_and_keep_their_answers():
    logits, labels = calibrated(500, seed=2)
    folded = 5 * logits / fit_temperature(5 * logits, labels)
    assert fit_temperature(folded, labels) == pytest.approx(1, abs=1e-4)
    assert (folded.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_where_no_row_is_wrong_nothing_is_learnt_and_the_temperature_is_one():
    logits = np.array([[3.0, 1.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == 1.0


def test_where_every_row_is_wrong_the_temperature_stops_at_its_limit():
    logits = np.array([[3.0, 1.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([1, 0])) == pytest.approx(TEMPERATURE_RANGE[1], rel=1e-3)


def test_large_logits_do_not_overflow():
    logits = np.array([[1e6, 0.0], [0.0, 1e6], [1e6, 0.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(fit_temperature(logits, np.array([0, 1, 1])))
