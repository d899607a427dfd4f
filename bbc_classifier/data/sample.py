"""A sample of a side's rows that keeps the labels' shares."""

import hashlib
from collections import Counter
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
    rank = [hash_rank(row_id, seed) for row_id in own]
    kept = _trimmed(sides["kept"], names, rank, most)
    left = sorted(sides["left"], key=rank.__getitem__)
    return sorted(rows[place] for place in [*kept, *left[: most - len(kept)]])


def _trimmed(kept: list[int], names: Sequence[Sequence[str]], rank: Sequence[str], most: int) -> list[int]:
    """Return at most `most` rows. Every label kept a row, so there may be more: the most frequent labels give some up.

    A label's last row goes only once every row is the last of some label.
    """
    kept = list(kept)
    totals = Counter(name for row in kept for name in names[row])
    while len(kept) > most:
        gone = max(kept, key=lambda row: (min((totals[name] for name in names[row]), default=len(kept)), rank[row]))
        kept.remove(gone)
        totals.subtract(names[gone])
    return kept


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
