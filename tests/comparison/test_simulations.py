"""What the intervals and tests promise, kept by simulation: coverage, and how often equals are called different."""

from itertools import combinations

import numpy as np
import pytest

from bbc_classifier.comparison.pairs import SIGNIFICANCE, compare_pairs
from bbc_classifier.comparison.sign_flip import sign_flip_p_value
from bbc_classifier.evaluation.intervals import wilson_interval
from bbc_classifier.evaluation.paired import student_interval

DRAWS = 4000
CASES = [(articles, accuracy) for articles in (318, 2121) for accuracy in (0.95, 0.975, 0.99)]
# Three standard errors of a share of 0.05 in so many draws.
MONTE_CARLO = 3 * (0.05 * 0.95 / DRAWS) ** 0.5


def right(generator: np.random.Generator, articles: int, accuracy: float, classifiers: int) -> np.ndarray:
    """Return equally good classifiers, (classifiers, 1, articles), that stumble over the same hard articles."""
    # A tenth of the articles have nine tenths of all errors, so that classifiers agree as they do on real articles.
    hard = generator.random(articles) < 0.1
    wrong = np.where(hard, 9 * (1 - accuracy), (1 - accuracy) / 9)
    return generator.random((classifiers, 1, articles)) >= wrong


@pytest.mark.parametrize(("articles", "accuracy"), CASES)
def test_wilsons_interval_covers_the_accuracy_as_often_as_it_says(articles, accuracy):
    draws = np.random.default_rng(0).binomial(articles, accuracy, DRAWS)
    intervals = {successes: wilson_interval(int(successes), articles) for successes in np.unique(draws)}
    covered = np.mean([low <= accuracy <= high for low, high in (intervals[successes] for successes in draws)])
    # Successes are whole numbers, so its coverage swings around the nominal one, here by up to 0.008.
    assert abs(covered - 0.95) < 0.008 + MONTE_CARLO


@pytest.mark.parametrize(("articles", "accuracy"), CASES)
def test_a_paired_interval_covers_the_difference_as_often_as_it_says(articles, accuracy):
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(DRAWS):
        first, second = right(generator, articles, accuracy, 2)
        low, high = student_interval(first[0].astype(float) - second[0])
        covered += low <= 0 <= high
    # With few differing articles Student's interval is a little too wide.
    assert 0.95 - MONTE_CARLO < covered / DRAWS < 0.975


@pytest.mark.parametrize(("articles", "accuracy"), CASES)
def test_among_equals_the_chance_of_any_false_difference_stays_below_the_level(articles, accuracy):
    generator = np.random.default_rng(2)
    pairs = list(combinations(range(4), 2))
    families = 0
    for draw in range(DRAWS):
        classifiers = right(generator, articles, accuracy, 4)
        smallest = min(sign_flip_p_value(classifiers[one], classifiers[other]) for one, other in pairs)
        # Holm's method rejects something exactly where it rejects the smallest, at the level over the number of pairs.
        told_apart = len(pairs) * smallest <= SIGNIFICANCE
        families += told_apart
        if draw < 3:
            rows = compare_pairs(dict(zip("abcd", classifiers, strict=True)))
            assert any(row["different"] for row in rows) == told_apart
    assert families / DRAWS < SIGNIFICANCE + MONTE_CARLO


def test_a_real_difference_is_found():
    generator = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        better, worse = right(generator, 2121, 0.99, 1)[0], right(generator, 2121, 0.97, 1)[0]
        found += sign_flip_p_value(better, worse) < SIGNIFICANCE
    assert found > 190
