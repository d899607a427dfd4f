"""Every pair of configurations on the same articles: how far apart they are, and whether that is more than chance."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from bbc_classifier.comparison.letters import compact_letters
from bbc_classifier.comparison.sign_flip import sign_flip_p_value
from bbc_classifier.evaluation.paired import mcnemar, student_interval

# The chance of calling any two of the configurations different when none are.
SIGNIFICANCE = 0.05


def compare_pairs(right: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Compare every configuration with every other one.

    The main test is the sign-flip test over articles; its p-values are adjusted for the number of pairs (S. Holm,
    "A Simple Sequentially Rejective Multiple Test Procedure", 1979). McNemar's exact test stands beside it seed by
    seed where both have the same seeds, unadjusted.

    Args:
        right: By name (seeds, articles) booleans, whether the configuration was right; the same articles in all.

    Returns:
        A row per pair, the first named the more accurate one: `first`, `second`, `points` (100 times the difference in
        accuracy), `articles` (that difference in articles), `interval` (95 %, in points, Student's over articles),
        `p_value`, `p_holm`, `different`, and `mcnemar`, one entry a seed.
    """
    ranked = rank(right)
    rows = [_compare(one, other, right[one], right[other]) for one, other in combinations(ranked, 2)]
    if rows:
        rejected, adjusted, _, _ = multipletests([row["p_value"] for row in rows], alpha=SIGNIFICANCE, method="holm")
        for row, different, p_value in zip(rows, rejected, adjusted, strict=True):
            row |= {"p_holm": float(p_value), "different": bool(different)}
    return rows


def rank(right: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names by accuracy, best first; of equal ones the first by name."""
    return sorted(right, key=lambda name: (-right[name].mean(), name))


def rank_groups(right: Mapping[str, np.ndarray], pairs: list[dict[str, Any]]) -> dict[str, str]:
    """Return the letters of each name: those that share one are not told apart."""
    return compact_letters(rank(right), [(row["first"], row["second"]) for row in pairs if row["different"]])


def _compare(one: str, other: str, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    differences = first.mean(axis=0) - second.mean(axis=0)
    return {
        "first": one,
        "second": other,
        "points": 100 * float(differences.mean()),
        "articles": float(differences.sum()),
        "interval": [100 * edge for edge in student_interval(differences)],
        "p_value": sign_flip_p_value(first, second),
        "mcnemar": [mcnemar(*pair) for pair in zip(first, second, strict=True)] if len(first) == len(second) else [],
    }
