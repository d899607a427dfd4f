"""Which pooling, and which encoder: what changing one of the two does while the other stays."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from bbc_classifier.comparison.outcomes import Outcome
from bbc_classifier.comparison.sign_flip import sign_flip_p_value
from bbc_classifier.evaluation.paired import student_interval


def pooling_effects(outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Compare two poolings within each encoder that has both, and over those encoders together.

    Args:
        outcomes: Configurations by name.

    Returns:
        A row per pair of poolings and encoder, and one `within` "every encoder" where several have both; each with
        `first`, `second`, `points`, `interval` (95 %, in points, Student's over articles) and `p_value` (sign-flip, not
        adjusted).
    """
    return _effects(_table(outcomes), "every encoder")


def encoder_effects(outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Compare two encoders within each pooling that both have, and over those poolings together, as above."""
    turned = {(pooling, encoder): right for (encoder, pooling), right in _table(outcomes).items()}
    return _effects(turned, "every pooling")


def _table(outcomes: Mapping[str, Outcome]) -> dict[tuple[str, str], np.ndarray]:
    """Return by encoder and pooling (seeds, articles) booleans."""
    cells = ((outcome.cells[0][0], outcome) for outcome in outcomes.values() if not outcome.is_baseline)
    return {(cell.encoder or "", cell.pooling or ""): outcome.right for cell, outcome in cells}


def _effects(table: Mapping[tuple[str, str], np.ndarray], together: str) -> list[dict[str, Any]]:
    blocks = list(dict.fromkeys(block for block, _ in table))
    treatments = list(dict.fromkeys(treatment for _, treatment in table))
    rows = []
    for first, second in combinations(treatments, 2):
        both = [block for block in blocks if {(block, first), (block, second)} <= set(table)]
        rows += [_effect(first, second, [(table[block, first], table[block, second])], block) for block in both]
        if len(both) > 1:
            rows.append(
                _effect(first, second, [(table[block, first], table[block, second]) for block in both], together)
            )
    return rows


def _effect(first: str, second: str, pairs: list[tuple[np.ndarray, np.ndarray]], within: str) -> dict[str, Any]:
    """Return the effect over blocks, each of which counts the same."""
    differences = np.mean([one.mean(axis=0) - other.mean(axis=0) for one, other in pairs], axis=0)
    # As many seeds in every block: the answers of the blocks then are to the test what more seeds are.
    same = len({len(one) for pair in pairs for one in pair}) == 1
    sides = [np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)] if same else None
    return {
        "first": first,
        "second": second,
        "within": within,
        "points": 100 * float(differences.mean()),
        "interval": [100 * edge for edge in student_interval(differences)],
        "p_value": sign_flip_p_value(*sides) if sides else None,
    }
