"""Two classifiers on the same rows: how much more often one is right, and how sure that is."""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import binomtest, ttest_1samp

LEVEL = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """How much more often the first of two classifiers is right.

    Attributes:
        rows: Number of rows.
        first_seeds: Over how many trainings the first one was averaged.
        second_seeds: The same of the second.
        first_errors: Rows that the first got wrong, on average over its seeds.
        second_errors: The same of the second.
        difference: Accuracy of the first less that of the second.
        lower_bound: The one-sided lower 95 % bound of the difference.
        interval: The two-sided 95 % interval of the difference, low and high.
        mcnemar: Per pair of seeds the rows that only the first and only the second got right, and the exact p-value.
    """

    rows: int
    first_seeds: int
    second_seeds: int
    first_errors: float
    second_errors: float
    difference: float
    lower_bound: float
    interval: list[float]
    mcnemar: list[dict[str, float]]

    def as_record(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self)


def paired_difference(first: np.ndarray, second: np.ndarray) -> PairedDifference:
    """Compare two classifiers by which rows they got right.

    A row's difference is the share of seeds in which the first was right less that of the second; bounds are Student's
    over rows, which count as independent. McNemar's test is the exact one (Q. McNemar, 1947; a binomial test of the
    rows on which the two differ). A classifier with one seed meets every seed of the other.

    Args:
        first: (seeds, rows) booleans, whether the first classifier was right.
        second: (seeds, rows) of the second, on the same rows.

    Raises:
        ValueError: The rows differ in number, or both have several seeds and not as many.
    """
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"{first.shape[1]} rows against {second.shape[1]}")
    if 1 != len(first) != len(second) != 1:
        raise ValueError(f"{len(first)} seeds against {len(second)}: give as many of both, or one")
    differences = first.mean(axis=0) - second.mean(axis=0)
    low, high = student_interval(differences, "two-sided")
    return PairedDifference(
        rows=first.shape[1],
        first_seeds=len(first),
        second_seeds=len(second),
        first_errors=_errors(first),
        second_errors=_errors(second),
        difference=float(differences.mean()),
        lower_bound=student_interval(differences, "greater")[0],
        interval=[low, high],
        mcnemar=[mcnemar(*pair) for pair in _pairs(first, second)],
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return the rows that only one of two classifiers got right, and the exact two-sided p-value.

    Args:
        first: (rows,) booleans, whether the first was right.
        second: (rows,) of the second.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differ = only_first + only_second
    p_value = float(binomtest(only_first, differ).pvalue) if differ else 1.0
    return {"only_first": only_first, "only_second": only_second, "p_value": p_value}


def _pairs(first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    seeds = max(len(first), len(second))
    return list(zip(*(np.broadcast_to(right, (seeds, right.shape[1])) for right in (first, second)), strict=True))


def _errors(right: np.ndarray) -> float:
    return float((~right).sum(axis=1).mean())


def student_interval(differences: np.ndarray, alternative: str = "two-sided") -> tuple[float, float]:
    """Return the 95 % interval of a mean over rows by Student's t, low and high.

    Args:
        differences: (rows,), which count as independent.
        alternative: "two-sided", or "greater" for a lower bound alone.
    """
    if np.ptp(differences) == 0:
        # Without any spread the statistic is 0 / 0, and the bounds are the figure itself.
        return float(differences[0]), float(differences[0])
    bounds = ttest_1samp(differences, 0.0, alternative=alternative).confidence_interval(LEVEL)
    return float(bounds.low), float(bounds.high)
