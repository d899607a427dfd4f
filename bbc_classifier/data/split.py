"""Choosing rows: a stratified split into train, validation and test, and k folds, both by group.

The order of the groups comes from a hash of the seed and the group's key, not from a random number generator, so the
same rows land on the same side on every machine and under every version of every library.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
        fingerprint: SHA-256 over every row id, group key and label name of the table and the side each row is on.
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
    rank: str


def split_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[str],
    *,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    seed: int = 42,
) -> Split:
    """Split rows by group, with each label's share the same on every side up to rounding.

    Within each label the groups stand in hash order; the first ones fill test, the next ones validation, the rest is
    train. Groups are never divided, so a side can exceed its share by part of a group.

    Args:
        row_ids: Unique name of each row.
        groups: Group key of each row; rows of one group stay together.
        labels: Label name of each row.
        validation_fraction: Share of each label's rows that validates.
        test_fraction: Share of each label's rows that tests.
        seed: Seed of the group order.

    Raises:
        InputError: A fraction is out of range, or a label has too few groups to stand on every side.
    """
    if not (0 < validation_fraction < 1 and 0 < test_fraction < 1 and validation_fraction + test_fraction < 1):
        raise InputError("--validation_fraction and --test_fraction must be above 0 and add up to less than 1")
    sides = _cut(groups, labels, {"test": test_fraction, "validation": validation_fraction}, seed)
    return _name_rows(row_ids, groups, labels, sides, seed)


def fold_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[str],
    *,
    folds: int,
    validation_fraction: float = 0.15,
    seed: int = 42,
) -> list[Split]:
    """Return `folds` splits whose test sides are disjoint and together hold every row.

    Each group goes, in hash order within its label, to the fold that holds the fewest rows of that label so far, and
    of several such folds to the smallest. The validation side of a fold is cut from its other rows by the rule of
    `split_rows`, whose arguments these are.

    Raises:
        InputError: `folds` is below 2, the fraction is out of range, or a label has too few groups.
    """
    if folds < 2:
        raise InputError(f"--folds must be at least 2, not {folds}")
    if not 0 < validation_fraction < 1:
        raise InputError("--validation_fraction must be above 0 and below 1")
    tests: list[list[int]] = [[] for _ in range(folds)]
    for label, ordered in _groups_by_label(groups, labels, seed).items():
        if len(ordered) < folds:
            raise InputError(f"label '{label}' has {len(ordered)} distinct articles: too few for {folds} folds")
        gained = [0] * folds
        for group in ordered:
            fold = min(range(folds), key=lambda index: (gained[index], len(tests[index])))
            gained[fold] += len(group.rows)
            tests[fold] += group.rows
    splits = []
    for test in tests:
        rest = sorted(set(range(len(row_ids))) - set(test))
        fractions = {"validation": validation_fraction}
        inner = _cut([groups[row] for row in rest], [labels[row] for row in rest], fractions, seed)
        sides = {side: [rest[row] for row in rows] for side, rows in inner.items()}
        splits.append(_name_rows(row_ids, groups, labels, {**sides, "test": test}, seed))
    return splits


def fingerprint(
    row_ids: Sequence[str], groups: Sequence[str], labels: Sequence[str], sides: dict[str, list[str]]
) -> str:
    """Return the SHA-256 of a table and its sides; it does not depend on the order of the rows."""
    side_of = {row_id: side for side, members in sides.items() for row_id in members}
    lines = sorted(
        json.dumps([row_id, group, label, side_of[row_id]])
        for row_id, group, label in zip(row_ids, groups, labels, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _cut(groups: Sequence[str], labels: Sequence[str], fractions: dict[str, float], seed: int) -> dict[str, list[int]]:
    """Return the rows of each side in `fractions`, filled in that order, and of "train", which takes the rest."""
    sides: dict[str, list[int]] = {side: [] for side in (*fractions, "train")}
    for label, ordered in _groups_by_label(groups, labels, seed).items():
        total = sum(len(group.rows) for group in ordered)
        remaining = iter(ordered)
        for side, fraction in fractions.items():
            sides[side] += _take(remaining, max(1, round(total * fraction)))
        rest = [row for group in remaining for row in group.rows]
        if not rest:
            raise InputError(f"label '{label}' has {len(ordered)} distinct articles: too few for {', '.join(sides)}")
        sides["train"] += rest
    return sides


def _name_rows(
    row_ids: Sequence[str], groups: Sequence[str], labels: Sequence[str], sides: dict[str, list[int]], seed: int
) -> Split:
    """Return the split that holds row ids, in the table's order, for row numbers."""
    named = {side: [row_ids[row] for row in sorted(rows)] for side, rows in sides.items()}
    return Split(**named, seed=seed, fingerprint=fingerprint(row_ids, groups, labels, named))


def _groups_by_label(groups: Sequence[str], labels: Sequence[str], seed: int) -> dict[str, list[_Group]]:
    """Return, per label in alphabetical order, its groups in hash order.

    A group counts for its most frequent label, and of several such labels for the first in alphabetical order.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(groups):
        members[key].append(row)
    by_label: dict[str, list[_Group]] = defaultdict(list)
    for key, rows in members.items():
        votes = Counter(labels[row] for row in rows)
        label = min(votes, key=lambda name: (-votes[name], name))
        by_label[label].append(_Group(rows, hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()))
    return {label: sorted(by_label[label], key=lambda group: group.rank) for label in sorted(by_label)}


def _take(groups: Iterator[_Group], wanted: int) -> list[int]:
    """Take whole groups until they hold at least `wanted` rows, or until none is left; return the rows."""
    rows: list[int] = []
    for group in groups:
        rows += group.rows
        if len(rows) >= wanted:
            break
    return rows
