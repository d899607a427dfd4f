"""Choosing rows: a stratified split into train, validation and test, and k folds, both by group."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bbc_classifier.data.stratify import stratified_sides
from bbc_classifier.errors import InputError
from bbc_classifier.records import write_json

SIDES = ("train", "validation", "test")


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

    def without(self, row_ids: set[str]) -> "Split":
        """Return the split without some rows of the test side; its fingerprint says which are gone."""
        kept = [row_id for row_id in self.test if row_id not in row_ids]
        gone = hashlib.sha256("\n".join([self.fingerprint, *sorted(row_ids)]).encode("utf-8")).hexdigest()
        return replace(self, test=kept, fingerprint=gone)

    @classmethod
    def load(cls, path: Path) -> "Split":
        """Read a split written by `save`."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def split_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str]],
    *,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    seed: int = 42,
) -> Split:
    """Split rows by group, with each label's share the same on every side up to rounding.

    Args:
        row_ids: Unique name of each row.
        groups: Group key of each row; rows of one group stay together.
        labels: The label names of each row: one, several or none.
        validation_fraction: Share of each label's rows that validates.
        test_fraction: Share of each label's rows that tests.
        seed: Seed of the group order.

    Raises:
        InputError: A fraction is out of range, or a label has too few groups to stand on every side.
    """
    check_fractions(validation_fraction, test_fraction)
    shares = {
        "test": test_fraction,
        "validation": validation_fraction,
        "train": 1 - validation_fraction - test_fraction,
    }
    return name_rows(row_ids, groups, labels, stratified_sides(groups, labels, shares, seed), seed)


def complete_split(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str]],
    sides: Sequence[str],
    *,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    seed: int = 42,
) -> Split:
    """Keep ready-made sides as they are, and cut those that are missing from train, by group; never from test.

    Args:
        row_ids: As in `split_rows`, and so are the others.
        groups: As above.
        labels: As above.
        sides: The side of each row.
        validation_fraction: Share of the training rows that validates, where no side does.
        test_fraction: Share of the training rows that tests, where no side does.
        seed: Seed of the group order.

    Raises:
        InputError: A fraction is out of range, or a label has too few groups in train.
    """
    check_fractions(validation_fraction, test_fraction)
    rows = {side: [row for row, own in enumerate(sides) if own == side] for side in SIDES}
    fractions = {"test": test_fraction, "validation": validation_fraction}
    missing = {side: fraction for side, fraction in fractions.items() if not rows[side]}
    if missing and rows["train"]:
        train = rows["train"]
        shares = {**missing, "train": 1 - sum(missing.values())}
        cut = stratified_sides([groups[row] for row in train], [labels[row] for row in train], shares, seed)
        rows |= {side: [train[row] for row in chosen] for side, chosen in cut.items()}
    return name_rows(row_ids, groups, labels, rows, seed)


def fold_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str]],
    *,
    folds: int,
    validation_fraction: float = 0.15,
    seed: int = 42,
) -> list[Split]:
    """Return `folds` splits whose test sides are disjoint and together hold every row.

    The validation side of a fold is cut from its other rows. The arguments are those of `split_rows`.

    Raises:
        InputError: `folds` is below 2, the fraction is out of range, or a label has too few groups.
    """
    if folds < 2:
        raise InputError(f"--folds must be at least 2, not {folds}")
    check_fractions(validation_fraction)
    shares = {f"fold {fold}": 1 / folds for fold in range(folds)}
    # What is not in a fold must do for train and validation; of two folds that is the other one.
    tests = stratified_sides(groups, labels, shares, seed, least=2 if folds == 2 else 1).values()
    splits = []
    for test in tests:
        held_out = set(test)
        sides = ["test" if row in held_out else "train" for row in range(len(row_ids))]
        splits.append(
            complete_split(row_ids, groups, labels, sides, validation_fraction=validation_fraction, seed=seed)
        )
    return splits


def check_fractions(validation_fraction: float, test_fraction: float | None = None) -> None:
    """Check that something is left for every side.

    Raises:
        InputError: A fraction is not above 0, or nothing would be left for train.
    """
    given = [validation_fraction] if test_fraction is None else [validation_fraction, test_fraction]
    if not (all(fraction > 0 for fraction in given) and sum(given) < 1):
        raise InputError("--validation_fraction and --test_fraction must be above 0 and add up to less than 1")


def name_rows(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str]],
    sides: dict[str, list[int]],
    seed: int,
) -> Split:
    """Return the split that holds row ids, in the table's order, for row numbers."""
    named = {side: [row_ids[row] for row in sorted(sides[side])] for side in SIDES}
    return Split(**named, seed=seed, fingerprint=fingerprint(row_ids, groups, labels, named))


def fingerprint(
    row_ids: Sequence[str], groups: Sequence[str], labels: Sequence[Sequence[str]], sides: dict[str, list[str]]
) -> str:
    """Return the SHA-256 of the rows that are on a side; it does not depend on the order of the rows."""
    side_of = {row_id: side for side, members in sides.items() for row_id in members}
    lines = sorted(
        json.dumps([row_id, group, list(names), side_of[row_id]])
        for row_id, group, names in zip(row_ids, groups, labels, strict=True)
        if row_id in side_of
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
