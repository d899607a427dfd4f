"""Duplicates counted: how many, on which sides, and which of them have labels that disagree."""

from typing import Any

import numpy as np

from bbc_classifier.audit.distinct_texts import DistinctTexts
from bbc_classifier.audit.rows import Rows

# Of a long list of row ids, the findings hold the first ones and the number of all.
LISTED = 100


def duplicate_findings(texts: DistinctTexts, rows: Rows) -> dict[str, Any]:
    """Return the exact and the near duplicates and, for each kind, the pairs of rows within and across sides."""
    sizes = texts.sizes()
    exact = {
        "surplus_rows": int(sizes.sum() - len(texts)),
        "texts_repeated": int((sizes > 1).sum()),
        "row_pairs_by_side": _exact_pairs(texts, rows),
    }
    near = {"text_pairs": len(texts.pairs), "row_pairs_by_side": _near_pairs(texts, rows)}
    return {"exact_duplicates": exact, "near_duplicates": None if texts.near is None else near}


def conflict_findings(texts: DistinctTexts, rows: Rows) -> dict[str, Any]:
    """Return the texts, and the pairs of near-duplicate texts, whose rows do not all have the same labels.

    A row without a label agrees with everyone.
    """
    low, high = _label_range(texts, rows)
    conflicting = np.flatnonzero(low < high).tolist()
    one, other = texts.pairs.T
    pairs = texts.pairs[np.minimum(low[one], low[other]) < np.maximum(high[one], high[other])]
    near = {"text_pairs": len(pairs), "row_ids": _ids(texts, rows, pairs[:LISTED].tolist())}
    return {
        "exact": {
            "texts": len(conflicting),
            "row_ids": _ids(texts, rows, [[text] for text in conflicting[:LISTED]]),
        },
        "near": None if texts.near is None else near,
    }


def _by_side(texts: DistinctTexts, rows: Rows) -> np.ndarray:
    """Return (texts, sides) how many rows of each side hold each text."""
    counts = np.zeros((len(texts), len(rows.side_names)), np.int64)
    written = texts.of_row >= 0
    np.add.at(counts, (texts.of_row[written], rows.sides[written]), 1)
    return counts


def _exact_pairs(texts: DistinctTexts, rows: Rows) -> dict[str, dict[str, int]]:
    counts = _by_side(texts, rows)
    pairs = counts.T @ counts
    # A row is no pair with itself, and a pair within a side was counted from both ends.
    pairs[np.diag_indices_from(pairs)] = (counts * (counts - 1) // 2).sum(axis=0)
    return _matrix(pairs, rows)


def _near_pairs(texts: DistinctTexts, rows: Rows) -> dict[str, dict[str, int]]:
    counts = _by_side(texts, rows)
    one, other = texts.pairs.T
    pairs = counts[one].T @ counts[other]
    pairs = pairs + pairs.T - np.diag(np.diag(pairs))
    return _matrix(pairs, rows)


def _matrix(pairs: np.ndarray, rows: Rows) -> dict[str, dict[str, int]]:
    """Return the half of a symmetric matrix that says everything, by name."""
    names = rows.side_names
    return {
        name: {names[column]: int(pairs[row, column]) for column in range(row, len(names))}
        for row, name in enumerate(names)
    }


def _label_range(texts: DistinctTexts, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Number the label sets and return the lowest and the highest of each text's; a text without any has low > high."""
    number: dict[tuple[int, ...], int] = {}
    codes = np.array([-1 if labels is None else number.setdefault(labels, len(number)) for labels in rows.labels])
    low, high = np.full(len(texts), len(number)), np.full(len(texts), -1)
    labelled = (texts.of_row >= 0) & (codes >= 0)
    np.minimum.at(low, texts.of_row[labelled], codes[labelled])
    np.maximum.at(high, texts.of_row[labelled], codes[labelled])
    return low, high


def _ids(texts: DistinctTexts, rows: Rows, sets: list[list[int]]) -> list[list[str]]:
    """Return the labelled rows of each set of texts."""
    wanted = {text for some in sets for text in some}
    members: dict[int, list[str]] = {text: [] for text in wanted}
    for row in np.flatnonzero(np.isin(texts.of_row, list(wanted))).tolist():
        if rows.labels[row] is not None:
            members[int(texts.of_row[row])].append(rows.row_ids[row])
    return [[row_id for text in some for row_id in members[text]] for some in sets]
