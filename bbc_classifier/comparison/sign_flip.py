"""Whether one of two classifiers is right more often than the other, or only happened to be on these articles."""

import numpy as np
from scipy.stats import binom


def sign_flip_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p-value of the paired sign-flip test over articles.

    If two classifiers are exchangeable, each article's difference could as well have had the other sign (R. A. Fisher,
    "The Design of Experiments", 1935, section 21). The statistic is the sum of the differences of mean correctness over
    seeds. All 2^n sign patterns are counted, not sampled: differences are whole multiples of one step, so the sum's
    distribution is a convolution of binomials, one for each size of difference. With one seed each this is McNemar's
    exact test.

    Args:
        first: (seeds, articles) booleans, whether the first classifier was right.
        second: (seeds, articles) of the second, on the same articles; the number of seeds may differ.

    Raises:
        ValueError: The articles differ in number.
    """
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"{first.shape[1]} articles against {second.shape[1]}")
    steps = first.sum(axis=0) * len(second) - second.sum(axis=0) * len(first)
    return _two_sided(steps // max(1, np.gcd.reduce(steps)))


def _two_sided(steps: np.ndarray) -> float:
    """Return the chance that random signs make the sum of whole numbers at least as far from 0 as it is."""
    distribution = np.ones(1)
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    for size, count in zip(sizes, counts, strict=True):
        # Of `count` differences of this size k are positive: a sum of size * (2k - count), every 2 * size apart.
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = np.convolve(distribution, part)
    sums = np.arange(len(distribution)) - len(distribution) // 2
    return float(min(1.0, distribution[np.abs(sums) >= abs(int(steps.sum()))].sum()))
