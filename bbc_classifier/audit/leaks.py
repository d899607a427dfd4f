"""How much of what should be unseen was seen: rows whose text, or nearly their text, stands on another side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bbc_classifier.audit.distinct_texts import DistinctTexts
from bbc_classifier.audit.rows import Rows
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.split import SIDES, split_rows
from bbc_classifier.errors import InputError

RANDOM_SPLITS = 100
# Of a naive split, each for validation and test.
HELD_OUT = 0.15


def leaked(texts: DistinctTexts, asked: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say which rows hold a text that other rows hold too. A blank row holds none.

    Args:
        texts: The distinct texts of all rows.
        asked: (asked,) numbers of the rows in question.
        known: (known,) numbers of the rows that were seen.

    Returns:
        (asked,) whether a known row holds the very text, and (asked,) whether one holds it or a near duplicate of it.
    """
    # One place more than there are texts: the blank rows' -1 is the last place.
    exact = np.zeros(len(texts) + 1, bool)
    exact[texts.of_row[known]] = True
    exact[-1] = False
    either = exact.copy()
    one, other = texts.pairs.T
    either[one[exact[other]]] = True
    either[other[exact[one]]] = True
    return exact[texts.of_row[asked]], either[texts.of_row[asked]]


def ready_made_leaks(texts: DistinctTexts, rows: Rows) -> dict[str, Any] | None:
    """Return what each held-out side of a ready-made split shares with the sides before it; None without such a split.

    Test is held against train and validation, validation against train.
    """
    if not rows.has_sides:
        return None
    by_side = {name: np.flatnonzero(rows.sides == place) for place, name in enumerate(rows.side_names)}
    findings = {}
    for place, side in enumerate(rows.side_names):
        before = [name for name in rows.side_names[:place] if len(by_side[name])]
        if side == SIDES[0] or not before:
            continue
        known = {name: by_side[name] for name in before}
        _, either = leaked(texts, by_side[side], np.concatenate(list(known.values())))
        findings[side] = {
            "rows": len(by_side[side]),
            **{f"from_{name}": _counts(texts, by_side[side], some) for name, some in known.items()},
            "from_any": _counts(texts, by_side[side], np.concatenate(list(known.values()))),
            "row_ids": [rows.row_ids[row] for row in by_side[side][either]],
        }
    return findings


def random_split_leaks(texts: DistinctTexts, splits: int = RANDOM_SPLITS) -> dict[str, Any] | None:
    """Return the share of test that a naive random 70/15/15 split finds in train, over seeded splits.

    The rows that are not blank are shuffled with NumPy's generator seeded 0, 1, ...; None for too few of them.
    """
    written = np.flatnonzero(texts.of_row >= 0)
    held_out = round(HELD_OUT * len(written))
    if not held_out:
        return None
    shares = []
    for seed in range(splits):
        shuffled = np.random.default_rng(seed).permutation(written)
        exact, either = leaked(texts, shuffled[:held_out], shuffled[2 * held_out :])
        shares.append((exact.mean(), either.mean()))
    exact_shares, either_shares = np.array(shares).T
    return {
        "splits": splits,
        "test_rows": held_out,
        "exact_share": _spread(exact_shares),
        "exact_or_near_share": None if texts.near is None else _spread(either_shares),
    }


def grouped_split_leaks(texts: DistinctTexts, rows: Rows, options: DataArguments) -> dict[str, Any]:
    """Return what a split by group, as training makes it, leaves of test in train; or why it cannot be made."""
    written = np.flatnonzero(~rows.blank).tolist()
    group_of = dict(zip(written, texts.groups, strict=True))
    usable = [row for row in written if rows.labels[row] is not None]
    try:
        split = split_rows(
            [str(row) for row in usable],
            [group_of[row] for row in usable],
            [rows.names_of(row) for row in usable],
            validation_fraction=options.validation_fraction,
            test_fraction=options.test_fraction,
            seed=options.split_seed,
        )
    except InputError as error:
        return {"missing_because": str(error)}
    train, test = (_numbers(getattr(split, side)) for side in (SIDES[0], SIDES[-1]))
    if not len(test):
        return {"missing_because": "too few rows have a text and a label"}
    return {"test_rows": len(test), **_counts(texts, test, train)}


def _counts(texts: DistinctTexts, asked: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    exact, either = leaked(texts, asked, known)
    searched = texts.near is not None
    return {
        "exact": int(exact.sum()),
        "exact_share": round(float(exact.mean()), 4),
        "exact_or_near": int(either.sum()) if searched else None,
        "exact_or_near_share": round(float(either.mean()), 4) if searched else None,
    }


def _spread(shares: np.ndarray) -> dict[str, float]:
    return {
        name: round(float(value), 4)
        for name, value in (("mean", shares.mean()), ("min", shares.min()), ("max", shares.max()))
    }


def _numbers(row_ids: Sequence[str]) -> np.ndarray:
    return np.array([int(row_id) for row_id in row_ids], np.int64)
