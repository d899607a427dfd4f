"""Choosing rows: a stratified split into train, validation and test, and k folds, both by group.

The order of the groups comes from a hash of the seed and the group's key, not from a random number generator, so the
same rows land on the same side on every machine and under every version of every library.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bbc_classifier.errors import InputError
from bbc_classifier.records import write_json


@dataclass(frozen=True)
class Split:
    """Which row ids train, choose and test a classifier.

    Attributes:
        train: Row ids the weights are fitted on.
        validation: Row ids that choose the checkpoint and the temperature.
        test: Row ids that only evaluation reads.
        seed: Seed of the group order.
        fingerprint: SHA-256 over every row id, text key and label of the table and the side each row is on.
    """

    train: list[str]
    validation: list[str]
    test: list[str]
    seed: int
    fingerprint: str

    def save(self, path: Path) -> None:
        """Write the split as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Split":
        """Read a split written by `save`."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Group:
    rows: list[int]
    label: int
    rank: str


def split_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[int],
    *,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    seed: int = 42,
) -> Split:
    """Split rows by group, with each label's share the same on every side up to rounding.

    Within each label the groups stand in hash order; the first ones fill test, the next ones validation, the rest is
    train. Groups are never divided, so a side can exceed its share by part of a group.

    Raises:
        InputError: A fraction is out of range, or a label has too few groups to stand on every side.
    """
    if not (0 < validation_fraction < 1 and 0 < test_fraction < 1 and validation_fraction + test_fraction < 1):
        raise InputError("--validation_fraction and --test_fraction must be above 0 and add up to less than 1")
    sides: dict[str, list[int]] = {"test": [], "validation": [], "train": []}
    for label, ordered in _groups_by_label(groups, labels, seed).items():
        total = sum(len(group.rows) for group in ordered)
        quota = {"test": round(total * test_fraction), "validation": round(total * validation_fraction)}
        remaining = iter(ordered)
        for side, wanted in quota.items():
            _fill(sides[side], remaining, max(1, wanted))
        rest = [row for group in remaining for row in group.rows]
        if not rest:
            raise InputError(f"label {label} has {len(ordered)} distinct rows: too few for train, validation and test")
        sides["train"] += rest
    named = {side: [row_ids[row] for row in sorted(rows)] for side, rows in sides.items()}
    return Split(**named, seed=seed, fingerprint=fingerprint(row_ids, groups, labels, named))


def fold_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[int],
    *,
    folds: int,
    validation_fraction: float = 0.15,
    seed: int = 42,
) -> list[Split]:
    """Return `folds` splits whose test sides are disjoint and together hold every row.

    Each group goes, in hash order within its label, to the fold that holds the fewest rows so far. The validation side
    of a fold is cut from its train rows by the rule of `split_rows`.

    Raises:
        InputError: A label has fewer groups than folds, or `folds` is below 2.
    """
    if folds < 2:
        raise InputError(f"folds must be at least 2, not {folds}")
    tests: list[list[int]] = [[] for _ in range(folds)]
    for label, ordered in _groups_by_label(groups, labels, seed).items():
        if len(ordered) < folds:
            raise InputError(f"label {label} has {len(ordered)} distinct rows: too few for {folds} folds")
        for group in ordered:
            min(tests, key=len).extend(group.rows)
    return [_fold_split(row_ids, groups, labels, test, validation_fraction, seed) for test in tests]


def fingerprint(
    row_ids: Sequence[str], groups: Sequence[str], labels: Sequence[int], sides: dict[str, list[str]]
) -> str:
    """Return the SHA-256 of a table and its sides; it does not depend on the order of the rows."""
    side_of = {row_id: side for side, members in sides.items() for row_id in members}
    lines = sorted(
        json.dumps([row_id, group, int(label), side_of[row_id]])
        for row_id, group, label in zip(row_ids, groups, labels, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _fold_split(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[int],
    test: list[int],
    validation_fraction: float,
    seed: int,
) -> Split:
    held_out = set(test)
    rest = [row for row in range(len(row_ids)) if row not in held_out]
    inner: dict[str, list[int]] = {"validation": [], "train": []}
    inner_groups = _groups_by_label([groups[row] for row in rest], [labels[row] for row in rest], seed)
    for ordered in inner_groups.values():
        remaining = iter(ordered)
        wanted = round(sum(len(group.rows) for group in ordered) * validation_fraction)
        _fill(inner["validation"], remaining, max(1, wanted))
        inner["train"] += [row for group in remaining for row in group.rows]
    sides = {side: [row_ids[rest[row]] for row in sorted(rows)] for side, rows in inner.items()}
    sides["test"] = [row_ids[row] for row in sorted(test)]
    return Split(**sides, seed=seed, fingerprint=fingerprint(row_ids, groups, labels, sides))


def _groups_by_label(groups: Sequence[str], labels: Sequence[int], seed: int) -> dict[int, list[_Group]]:
    """Return, per label, its groups in hash order; a group counts for its most frequent label."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(groups):
        members[key].append(row)
    by_label: dict[int, list[_Group]] = defaultdict(list)
    for key, rows in members.items():
        votes = Counter(int(labels[row]) for row in rows)
        label = min(votes, key=lambda name: (-votes[name], name))
        rank = hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
        by_label[label].append(_Group(rows, label, rank))
    return {label: sorted(by_label[label], key=lambda group: group.rank) for label in sorted(by_label)}


def _fill(side: list[int], groups: Iterable[_Group], wanted: int) -> None:
    """Move whole groups to `side` until it has gained at least `wanted` rows."""
    before = len(side)
    for group in groups:
        side.extend(group.rows)
        if len(side) - before >= wanted:
            return
