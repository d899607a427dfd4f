"""Calibration of yes or no, cell by cell: the error by hand, and a temperature that is where the loss is least."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from bbc_classifier.evaluation.calibration import TEMPERATURE_RANGE, cell_calibration_error, fit_cell_temperature
from bbc_classifier.evaluation.multi_label_metrics import cell_log_loss


def calibrated(rows: int = 2000, labels: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, and targets drawn from the very probabilities that the logits state."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 2, (rows, labels))
    return logits, (generator.random(logits.shape) < expit(logits)).astype(float)


def test_the_error_is_the_one_worked_out_by_hand():
    # Of 5 bins, (0, 0.2] holds 0.1 and 0 (neither there), (0.8, 1] holds 0.9 (there) and 1.0 (not there).
    error = cell_calibration_error(np.array([[0, 1], [0, 0]]), np.array([[0.1, 0.9], [1.0, 0.0]]), bins=5)
    assert error == pytest.approx(0.5 * abs(0 - 0.05) + 0.5 * abs(0.5 - 0.95))


def test_calibrated_cells_have_a_small_error_and_overconfident_ones_a_large_one():
    logits, targets = calibrated()
    assert cell_calibration_error(targets, expit(logits)) < 0.02
    assert cell_calibration_error(targets, expit(4 * logits)) > 0.05


def test_the_temperature_of_two_cells_is_the_one_worked_out_by_hand():
    # Of four cells with the logit log 9, three are there: the best probability of 3/4 is exp(log 9 / 2) = 3 to 1.
    logits = np.full((4, 1), np.log(9))
    assert fit_cell_temperature(logits, np.array([[1], [1], [1], [0]])) == pytest.approx(2, rel=1e-4)
    # A negative logit of a label that is not there says the same.
    mirrored = logits * [[1], [-1], [-1], [1]]
    assert fit_cell_temperature(mirrored, np.array([[1], [0], [0], [0]])) == pytest.approx(2, rel=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 8))
def test_the_temperature_undoes_a_known_overconfidence(factor):
    logits, targets = calibrated()
    assert fit_cell_temperature(logits * factor, targets) == pytest.approx(factor, rel=0.06)


@pytest.mark.parametrize("shift", [0.98, 1.02])
def test_no_temperature_nearby_has_a_smaller_loss(shift):
    logits, targets = calibrated(300, seed=1)
    temperature = fit_cell_temperature(3 * logits, targets)
    best = cell_log_loss(targets, expit(3 * logits / temperature))
    assert best < cell_log_loss(targets, expit(3 * logits / (temperature * shift)))


def test_where_no_cell_is_wrong_nothing_is_learnt_and_the_temperature_is_one():
    assert fit_cell_temperature(np.array([[3.0, -1.0]]), np.array([[1, 0]])) == 1.0


def test_where_every_cell_is_wrong_the_temperature_stops_at_its_limit():
    logits = np.array([[3.0, -1.0]])
    assert fit_cell_temperature(logits, np.array([[0, 1]])) == pytest.approx(TEMPERATURE_RANGE[1], rel=1e-3)


def test_large_logits_do_not_overflow():
    logits = np.array([[1e6, -1e6, 1e6]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(fit_cell_temperature(logits, np.array([[1, 0, 0]])))
