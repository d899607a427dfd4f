"""What an audit found, as plain data."""

from typing import Any

import numpy as np

from bbc_classifier.audit.distinct_texts import DistinctTexts
from bbc_classifier.audit.duplicates import LISTED, conflict_findings, duplicate_findings
from bbc_classifier.audit.leaks import grouped_split_leaks, random_split_leaks, ready_made_leaks
from bbc_classifier.audit.lengths import TokenCounts, length_findings
from bbc_classifier.audit.rows import Rows
from bbc_classifier.data.options import DataArguments


def findings(rows: Rows, texts: DistinctTexts, tokens: TokenCounts, options: DataArguments) -> dict[str, Any]:
    """Return everything that `audit.json` says of the rows; docs/audit.md describes each key."""
    unlabelled = np.array([labels is None for labels in rows.labels], bool)
    return {
        "rows": len(rows),
        "distinct": len(texts),
        "groups": None if texts.near is None else len(set(texts.groups)),
        "sides": _sides(rows),
        "labels": _labels(rows),
        "empty": _listed(rows, rows.blank),
        "unlabelled": _listed(rows, unlabelled),
        "broken": _listed(rows, rows.broken),
        "lengths": length_findings(rows, tokens),
        **duplicate_findings(texts, rows),
        "conflicting_labels": conflict_findings(texts, rows),
        "leaked": ready_made_leaks(texts, rows),
        "own_split": None if rows.has_sides else _own_split(texts, rows, options),
    }


def _own_split(texts: DistinctTexts, rows: Rows, options: DataArguments) -> dict[str, Any]:
    """Return what a naive split would leak, beside what the split by group does."""
    return {"random": random_split_leaks(texts), "grouped": grouped_split_leaks(texts, rows, options)}


def _sides(rows: Rows) -> dict[str, int] | None:
    if not rows.has_sides:
        return None
    counts = np.bincount(rows.sides, minlength=len(rows.side_names))
    return dict(zip(rows.side_names, counts.tolist(), strict=True))


def _labels(rows: Rows) -> dict[str, Any]:
    """Return the rows of each label, in all and on each side."""
    members = dict(zip(rows.label_names, rows.with_label(), strict=True))
    by_side = {
        side: {name: int((rows.sides[some] == place).sum()) for name, some in members.items()}
        for place, side in enumerate(rows.side_names)
    }
    return {
        "multi_label": rows.multi_label,
        "rows": {name: len(some) for name, some in members.items()},
        "rows_by_side": by_side if rows.has_sides else None,
    }


def _listed(rows: Rows, chosen: np.ndarray) -> dict[str, Any]:
    """Return how many rows were chosen, and the ids of the first ones."""
    numbers = np.flatnonzero(chosen).tolist()
    return {"count": len(numbers), "row_ids": [rows.row_ids[row] for row in numbers[:LISTED]]}
