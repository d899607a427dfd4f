"""Bootstrap intervals over whole rows: against resampling the rows themselves, the same in any order and any pieces."""

import numpy as np
import pytest

from bbc_classifier.evaluation import multi_label_intervals
from bbc_classifier.evaluation.multi_label_intervals import bootstrap_label_intervals
from bbc_classifier.evaluation.multi_label_metrics import set_metrics


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.random((150, 4)) < [0.5, 0.3, 0.2, 0.1]
    return targets, targets ^ (generator.random((150, 4)) < 0.12)


def test_every_interval_holds_the_figure_itself(rows):
    figures = set_metrics(*rows)
    intervals = bootstrap_label_intervals(*rows)
    assert set(intervals) == set(figures) - {"subset_accuracy"}
    for name, (low, high) in intervals.items():
        assert 0 <= low < figures[name] < high <= 1


def test_the_bootstrap_agrees_with_resampling_the_rows(rows):
    generator = np.random.default_rng(5)
    draws = [generator.integers(0, len(rows[0]), len(rows[0])) for _ in range(400)]
    scores = [set_metrics(rows[0][draw], rows[1][draw]) for draw in draws]
    intervals = bootstrap_label_intervals(*rows)
    for name in ("hamming_loss", "micro_f1", "macro_f1", "weighted_recall"):
        expected = np.quantile([score[name] for score in scores], [0.025, 0.975])
        assert intervals[name] == pytest.approx(expected, abs=0.015)


def test_labels_that_hang_together_have_a_wider_interval_than_labels_that_do_not():
    # The same cells wrong: all four of a row at once, or each in a row of its own.
    targets = np.ones((200, 4), dtype=bool)
    together, apart = targets.copy(), targets.copy()
    together[:20] = False
    for label in range(4):
        apart[20 * label : 20 * label + 20, label] = False
    wide, narrow = (bootstrap_label_intervals(targets, answer)["hamming_loss"] for answer in (together, apart))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_the_order_of_the_rows_and_the_global_random_state_change_nothing(rows):
    order = np.random.default_rng(1).permutation(len(rows[0]))
    np.random.seed(7)
    shuffled = bootstrap_label_intervals(rows[0][order], rows[1][order])
    assert shuffled == bootstrap_label_intervals(*rows)
    assert bootstrap_label_intervals(*rows, seed=1) != shuffled


def test_draws_made_in_pieces_are_the_draws_made_at_once(rows, monkeypatch):
    at_once = bootstrap_label_intervals(*rows, resamples=50)
    monkeypatch.setattr(multi_label_intervals, "DRAWS_AT_ONCE", 100)
    assert bootstrap_label_intervals(*rows, resamples=50) == at_once


def test_no_error_gives_an_interval_of_one_point():
    targets = np.array([[1, 0], [0, 1], [1, 1]])
    intervals = bootstrap_label_intervals(targets, targets, resamples=50)
    assert intervals["micro_f1"] == [1, 1] and intervals["hamming_loss"] == [0, 0]


def test_rows_without_any_label_make_no_nan():
    nothing = np.zeros((5, 3))
    assert np.isfinite(list(bootstrap_label_intervals(nothing, nothing, resamples=20).values())).all()
