"""95 % intervals: Wilson's for a share of rows, the bootstrap for what is no such share."""

import numpy as np
from scipy.stats import binomtest

from bbc_classifier.evaluation.metrics import ratio

LEVEL = 0.95
RESAMPLES = 2000


def wilson_interval(successes: int, rows: int, level: float = LEVEL) -> list[float]:
    """Return Wilson's score interval of a binomial share, [low, high] (E. B. Wilson, JASA 1927)."""
    interval = binomtest(successes, rows).proportion_ci(level, method="wilson")
    return [float(interval.low), float(interval.high)]


def bootstrap_intervals(
    counts: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, list[float]]:
    """Return percentile intervals of macro and weighted precision, recall and F1 (B. Efron, 1979).

    Resampling rows with replacement and counting again is a multinomial draw of the confusion matrix, so the rows
    themselves are not needed. A percentile interval of a figure close to 1 covers less than its nominal level.

    Args:
        counts: Confusion matrix, (true, predicted).
        level: Nominal coverage.
        resamples: Number of draws.
        seed: Seed of the draws.
    """
    rows = int(counts.sum())
    draws = np.random.default_rng(seed).multinomial(rows, counts.ravel() / rows, size=resamples)
    figures = averaged_scores(draws.reshape(-1, *counts.shape))
    tails = [(1 - level) / 2, (1 + level) / 2]
    return {name: [float(edge) for edge in np.quantile(values, tails)] for name, values in figures.items()}


def averaged_scores(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """Return macro and weighted precision, recall and F1 of many confusion matrices, (matrices, true, predicted).

    A zero denominator counts as 0, as in `label_metrics`.
    """
    hits = np.diagonal(matrices, axis1=1, axis2=2).astype(float)
    true, predicted = matrices.sum(axis=2), matrices.sum(axis=1)
    scores = {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, true),
        "f1": ratio(2 * hits, true + predicted),
    }
    share = ratio(true, true.sum(axis=1, keepdims=True))
    return {f"macro_{name}": values.mean(axis=1) for name, values in scores.items()} | {
        f"weighted_{name}": (values * share).sum(axis=1) for name, values in scores.items()
    }
