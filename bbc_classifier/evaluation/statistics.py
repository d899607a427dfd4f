"""Confidence intervals, exact paired tests, Holm's adjustment and compact letter groups. Numpy and scipy only."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np
from scipy.stats import binom, binomtest, sem, t

LEVEL = 0.95
RESAMPLES = 2000
# The bootstrap draws this many numbers at a time, 8 bytes each, whatever the number of resamples.
DRAWS_AT_ONCE = 1_000_000


def wilson_interval(successes: int, n: int) -> list[float]:
    """Return Wilson's 95 % score interval of a binomial proportion, [low, high] (E. B. Wilson, JASA 1927)."""
    interval = binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return [float(interval.low), float(interval.high)]


def bootstrap_intervals(
    scores: Callable[[np.ndarray], dict[str, np.ndarray]], counts: np.ndarray, *, seed: int = 0
) -> dict[str, list[float]]:
    """Return 95 % percentile bootstrap intervals over rows (B. Efron, 1979).

    Rows with the same label and prediction are interchangeable, so each kind of row is drawn as often as a multinomial
    distribution says, in blocks that bound the memory. The interval of a score close to 1 covers less than 95 %.
    `scores` maps weights, (resamples, kinds) float64, to (resamples,) values by name; `counts` (kinds,) are the rows.
    """
    generator, n, block = np.random.default_rng(seed), int(counts.sum()), max(1, DRAWS_AT_ONCE // len(counts))
    blocks = [
        scores(generator.multinomial(n, counts / n, size=min(block, RESAMPLES - start)).astype(np.float64))
        for start in range(0, RESAMPLES, block)
    ]
    tails, values = [(1 - LEVEL) / 2, (1 + LEVEL) / 2], {name: [part[name] for part in blocks] for name in blocks[0]}
    return {name: np.quantile(np.concatenate(parts), tails).tolist() for name, parts in values.items()}


def sign_flip_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p-value of the paired sign-flip test over rows.

    If two classifiers are exchangeable, the difference on each row could have had the other sign (R. A. Fisher, "The
    Design of Experiments", 1935, section 21). The statistic is the sum over rows of the differences of mean correctness
    over seeds. All 2^rows sign patterns are counted: differences are multiples of one step, so the distribution of the
    sum is a convolution of binomial distributions, one per size of difference. With one seed this is McNemar's test.
    Each argument is (seeds, rows) bool, whether a classifier is correct; the numbers of seeds may differ.
    """
    steps = first.sum(axis=0) * len(second) - second.sum(axis=0) * len(first)
    steps //= max(1, np.gcd.reduce(steps))
    distribution = np.ones(1)
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    for size, count in zip(sizes, counts, strict=True):
        # k of `count` differences of this size are positive: their sum is size * (2k - count), in steps of 2 * size.
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = np.convolve(distribution, part)
    sums = np.arange(len(distribution)) - len(distribution) // 2
    return float(min(1.0, distribution[np.abs(sums) >= abs(int(steps.sum()))].sum()))


def paired_difference(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Return the difference in accuracy of two classifiers, given as for `sign_flip_p_value`, with interval and test.

    `n` rows; `diff_pp`, the difference in percentage points, and `diff_rows`, in rows, both of means over seeds;
    `interval`, Student's 95 % interval of that mean over rows, also in points; `p_value` (`sign_flip_p_value`).
    """
    differences, quantiles = first.mean(axis=0) - second.mean(axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    bounds = differences.mean() + t.ppf(quantiles, len(differences) - 1) * sem(differences)
    return {
        "n": first.shape[1],
        "diff_pp": 100 * float(differences.mean()),
        "diff_rows": float(differences.sum()),
        "interval": (100 * bounds).tolist(),
        "p_value": sign_flip_p_value(first, second),
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given.

    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics, 1979: the
    i-th smallest of m is multiplied by m - i + 1, never below a smaller one's, never above 1.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)))
    return adjusted.tolist()


def letter_groups(ranked: Sequence[str], different: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the group letters of each name: two names share a letter exactly if they are not found different.

    Insert and absorb (H.-P. Piepho, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons",
    Journal of Computational and Graphical Statistics, 2004). `ranked` are the names, best first; `different` the pairs
    that are found different. "a" is the group of the best; after "z" comes "a1".
    """
    groups = [frozenset(ranked)]
    for one, other in different:
        candidates = dict.fromkeys(
            part
            for group in groups
            for part in ((group - {one}, group - {other}) if {one, other} <= group else (group,))
        )
        groups = [group for group in candidates if not any(group < bigger for bigger in candidates)]
    position = {name: number for number, name in enumerate(ranked)}
    groups.sort(key=lambda group: sorted(position[name] for name in group))
    letters = [ascii_lowercase[i % 26] + (str(i // 26) if i >= 26 else "") for i in range(len(groups))]
    return {
        name: "".join(letter for letter, group in zip(letters, groups, strict=True) if name in group) for name in ranked
    }
