"""A sample of a side's rows that keeps the labels' shares."""

import hashlib
from collections.abc import Sequence

from bbc_classifier.data.stratify import stratified_sides


def sample_rows(
    rows: Sequence[int], row_ids: Sequence[str], labels: Sequence[Sequence[str]], most: int | None, seed: int
) -> list[int]:
    """Return at most `most` of the rows, in ascending order; the same ones on every machine.

    Args:
        rows: Numbers of the rows to choose from.
        row_ids: Row id of every row of the table; their hashes give the order.
        labels: Label names of every row of the table.
        most: How many to keep; None keeps all.
        seed: Seed of the order.
    """
    if most is None or len(rows) <= most:
        return list(rows)
    share = most / len(rows)
    # A label with a single row cannot be on both sides; sampling by the others leaves it to chance.
    own = [row_ids[row] for row in rows]
    names = _frequent([labels[row] for row in rows])
    sides = stratified_sides(own, names, {"kept": share, "left": 1 - share}, seed)
    # Every label keeps a row, so too many may be kept: those whose hash comes last go, wherever they stand.
    ranked = [
        place for side in ("kept", "left") for place in sorted(sides[side], key=lambda row: hash_rank(own[row], seed))
    ]
    return sorted(rows[place] for place in ranked[:most])


def hash_rank(row_id: str, seed: int) -> str:
    """Return what rows are put in order by: the same on every machine, and not their place in the table."""
    return hashlib.sha256(f"{seed}:{row_id}".encode()).hexdigest()


def _frequent(labels: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the labels without those that fewer than two rows have."""
    seen: set[str] = set()
    twice: set[str] = set()
    for row in labels:
        twice |= seen & set(row)
        seen |= set(row)
    return [[name for name in row if name in twice] for row in labels]
