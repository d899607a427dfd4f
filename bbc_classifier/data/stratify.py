"""Stratification: groups of rows onto sides, so that every label has its share on each.

The sides are filled label by label, the rarest label first, as in K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the
Stratification of Multi-label Data", ECML PKDD 2011; here a group of rows stays together. Where every row has one label
this is plain stratification.

The order of the groups comes from a hash of the seed and the group's key, not from a random number generator: the same
rows land on the same side on every machine and under every version of every library, and a new row moves few others.
"""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bbc_classifier.errors import InputError

# Stands for the label of a row that has none, as a row of multi-label data may.
NO_LABEL = ""


@dataclass(frozen=True)
class _Group:
    rank: str
    rows: list[int] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)


class _Side:
    """A side that is being filled."""

    def __init__(self, share: float):
        self.share = share
        self.rows: list[int] = []
        self.labels: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()

    def lacks(self, label: str, total: int) -> float:
        """Return how many rows of a label are missing from its share of all `total` rows of the label."""
        return max(0.0, total * self.share - self.labels[label])

    def take(self, group: _Group) -> None:
        """Put a group here."""
        self.rows += group.rows
        self.labels += group.labels
        self.groups.update(group.labels.keys())


def stratified_sides(
    groups: Sequence[str], labels: Sequence[Sequence[str]], shares: dict[str, float], seed: int, *, least: int = 1
) -> dict[str, list[int]]:
    """Return the rows of each side, in ascending order.

    Args:
        groups: Group key of each row; rows of one group stay together.
        labels: The label names of each row: one, several or none.
        shares: Share of the rows of each side; they add up to 1. Sides are filled in this order.
        seed: Seed of the order of the groups.
        least: How many groups of each label a side needs.

    Raises:
        InputError: A label has fewer groups than the sides need.
    """
    of_label: dict[str, list[_Group]] = defaultdict(list)
    for group in _groups(groups, labels, seed):
        for label in group.labels:
            of_label[label].append(group)
    _check_enough(of_label, list(shares), least)
    sides = {name: _Side(share) for name, share in shares.items()}
    placed: set[str] = set()
    # Rare labels first: what they leave uneven, the frequent ones can still even out.
    for label in sorted(of_label, key=lambda name: (len(of_label[name]), name)):
        waiting = [group for group in of_label[label] if group.rank not in placed]
        total = sum(group.labels[label] for group in of_label[label])
        _fill(list(sides.values()), label, total, deque(waiting), least)
        placed |= {group.rank for group in waiting}
    return {name: sorted(side.rows) for name, side in sides.items()}


def _fill(sides: list[_Side], label: str, total: int, waiting: deque[_Group], least: int) -> None:
    """Give the waiting groups, in their order, to the sides, one side after the other.

    A side takes what it lacks, scaled to what is there; and as many groups as it needs at least, while enough are left
    for the sides that come after it and have fewer.
    """
    for place, side in enumerate(sides):
        later = sides[place + 1 :]
        needed = sum(max(0, least - other.groups[label]) for other in later)
        lacking = side.lacks(label, total), sum(other.lacks(label, total) for other in later)
        there = sum(group.labels[label] for group in waiting)
        wanted = there * lacking[0] / (sum(lacking) or 1)
        taken = 0
        while len(waiting) > needed:
            size = waiting[0].labels[label]
            # A group that would overshoot by more than half of itself stays for the next side.
            if later and side.groups[label] >= least and taken + size / 2 > wanted:
                break
            side.take(waiting.popleft())
            taken += size


def _groups(groups: Sequence[str], labels: Sequence[Sequence[str]], seed: int) -> list[_Group]:
    """Return the groups in hash order."""
    by_key: dict[str, _Group] = {}
    for row, (key, names) in enumerate(zip(groups, labels, strict=True)):
        if key not in by_key:
            by_key[key] = _Group(hashlib.sha256(f"{seed}:{key}".encode()).hexdigest())
        by_key[key].rows.append(row)
        by_key[key].labels.update(names or [NO_LABEL])
    return sorted(by_key.values(), key=lambda group: group.rank)


def _check_enough(of_label: dict[str, list[_Group]], sides: list[str], least: int) -> None:
    for label in sorted(of_label):
        found = len(of_label[label])
        needed = least * len(sides)
        if label != NO_LABEL and found < needed:
            articles = f"{found} distinct article{'s' * (found != 1)}"
            raise InputError(
                f"label '{label}' has {articles}: too few for {', '.join(sides)}; it needs at least {needed}"
            )
