"""Intervals against a textbook value, and against resampling the rows themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bbc_classifier.evaluation.intervals import averaged_scores, bootstrap_intervals, wilson_interval

COUNTS = np.array([[18, 2, 0], [3, 14, 1], [0, 4, 18]])


def test_wilsons_interval_of_eight_in_ten_is_the_textbooks():
    assert wilson_interval(8, 10) == pytest.approx([0.4902, 0.9433], abs=5e-5)


def test_wilsons_interval_stays_inside_the_unit_interval_at_its_ends():
    low, high = wilson_interval(317, 317)
    assert high == 1 and low == pytest.approx(317 / (317 + 1.959964**2), abs=1e-6)
    assert wilson_interval(0, 10)[0] == 0


@given(st.integers(1, 5000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
@settings(deadline=None, max_examples=40)
def test_wilsons_interval_holds_the_share_and_mirrors_its_complement(case):
    successes, rows = case
    low, high = wilson_interval(successes, rows)
    assert 0 <= low <= successes / rows + 1e-12 and successes / rows - 1e-12 <= high <= 1
    assert wilson_interval(rows - successes, rows) == pytest.approx([1 - high, 1 - low], abs=1e-9)


def test_the_bootstrap_is_the_same_for_a_seed_and_another_for_another():
    assert bootstrap_intervals(COUNTS) == bootstrap_intervals(COUNTS)
    assert bootstrap_intervals(COUNTS, seed=1) != bootstrap_intervals(COUNTS, seed=2)


def test_the_bootstrap_leaves_the_global_random_state_alone():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    bootstrap_intervals(COUNTS)
    assert np.random.random() == expected


def test_every_interval_holds_the_figure_itself():
    for name, (value,) in averaged_scores(COUNTS[None]).items():
        low, high = bootstrap_intervals(COUNTS)[name]
        assert 0 <= low < value < high <= 1


def test_the_bootstrap_agrees_with_resampling_the_rows():
    true, predicted = np.indices(COUNTS.shape)
    labels, predictions = np.repeat(true.ravel(), COUNTS.ravel()), np.repeat(predicted.ravel(), COUNTS.ravel())
    generator = np.random.default_rng(5)
    scores = []
    for _ in range(300):
        rows = generator.integers(0, len(labels), len(labels))
        scores.append(f1_score(labels[rows], predictions[rows], average="macro"))
    assert bootstrap_intervals(COUNTS)["macro_f1"] == pytest.approx(np.quantile(scores, [0.025, 0.975]), abs=0.025)


def test_a_lower_level_is_a_narrower_interval():
    wide, narrow = bootstrap_intervals(COUNTS, level=0.99), bootstrap_intervals(COUNTS, level=0.5)
    assert all(wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1] for name in wide)


def test_one_class_and_no_error_give_an_interval_of_one_point():
    assert set(map(tuple, bootstrap_intervals(np.array([[7]])).values())) == {(1.0, 1.0)}


def test_a_class_that_no_row_has_makes_no_nan():
    intervals = bootstrap_intervals(np.array([[5, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert np.isfinite(list(intervals.values())).all()
