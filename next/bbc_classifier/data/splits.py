"""Splits: names, a stratified split by group, folds, samples, and the fingerprint of a split.

The order of groups is a hash of the seed and the group's key, not a random number: the same rows are in the same split
on every machine and with every library version, and a new row moves few others.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bbc_classifier.config import DataArguments
from bbc_classifier.errors import UserError

SPLITS = ("train", "validation", "test")
LabelSets = Sequence[Sequence[str]]

# "dev" and "eval" are validation: only what is called test may be the test split.
SPLIT_OF_WORD = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Label of a row of multi-label data without any label.
UNLABELED = ""


def split_of_name(name: str) -> str | None:
    """Return the split that a whole name means, whatever its case: "dev" is validation; None for "train_small"."""
    return SPLIT_OF_WORD.get(name.casefold())


def split_of_file(stem: str) -> str | None:
    """Return the split that the words of a file's stem name; None if they name none, or more than one.

    >>> split_of_file("news-train-00000-of-00002")
    'train'
    """
    splits = {SPLIT_OF_WORD[word] for word in re.split(r"[\W_]+", stem.casefold()) if word in SPLIT_OF_WORD}
    return splits.pop() if len(splits) == 1 else None


def make_splits(
    row_ids: Sequence[str],
    groups: Sequence[str],
    labels: LabelSets,
    predefined: Sequence[str] | None,
    args: DataArguments,
) -> dict[str, list[int]]:
    """Return the rows of each split, in ascending order, at most `max_train_samples` and `max_eval_samples` of them.

    Predefined splits stay as they are; a missing one is cut from train, by group. Otherwise all rows are split, or cut
    into `folds`, of which `fold` is the test split.

    Args:
        row_ids: (rows,) unique id of each row.
        groups: (rows,) group key of each row; rows of a group stay together.
        labels: (rows,) the label names of each row: one, several or none.
        predefined: (rows,) split of each row, or None.
        args: Fractions, folds, seed and limits.

    Raises:
        UserError: A fraction or fold is not possible, or a label has too few groups.
    """
    fractions = {"test": args.test_fraction, "validation": args.validation_fraction}
    if args.folds is not None or args.fold is not None:
        if args.folds is None or args.fold is None or args.folds < 2 or not 0 <= args.fold < args.folds:
            raise UserError("--folds K (2 or more) and --fold I are given together, with I from 0 to K - 1")
        if predefined is not None:
            raise UserError("--folds splits all rows anew, but this data set has predefined splits; leave one out")
        shares = {f"fold {fold}": 1 / args.folds for fold in range(args.folds)}
        # Rows outside a fold must supply train and validation; of two folds that is the other one.
        folds = stratified_split(groups, labels, shares, args.split_seed, min_groups=2 if args.folds == 2 else 1)
        held_out = set(folds[f"fold {args.fold}"])
        predefined = ["test" if row in held_out else "train" for row in range(len(row_ids))]
    names = predefined if predefined is not None else ["train"] * len(row_ids)
    splits = {split: [row for row, name in enumerate(names) if name == split] for split in SPLITS}
    missing = {split: fraction for split, fraction in fractions.items() if not splits[split]}
    if not (all(fraction > 0 for fraction in missing.values()) and sum(missing.values()) < 1):
        raise UserError("--validation_fraction and --test_fraction must be above 0 and add up to less than 1")
    if missing and splits["train"]:
        train = splits["train"]
        shares = {**missing, "train": 1 - sum(missing.values())}
        cut = stratified_split([groups[row] for row in train], [labels[row] for row in train], shares, args.split_seed)
        splits |= {split: [train[row] for row in rows] for split, rows in cut.items()}
    limits = {"train": args.max_train_samples, "validation": args.max_eval_samples, "test": args.max_eval_samples}
    return {split: sample_rows(rows, row_ids, labels, limits[split], args.split_seed) for split, rows in splits.items()}


def split_fingerprint(
    row_ids: Sequence[str], groups: Sequence[str], labels: LabelSets, splits: dict[str, list[int]]
) -> str:
    """Return the SHA-256 over row id, group, label names and split of every row in a split, in no particular order."""
    lines = [
        json.dumps([row_ids[row], groups[row], list(labels[row]), split]) for split in splits for row in splits[split]
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8")).hexdigest()


def validate_trainable(row_ids: Sequence[str], labels: LabelSets, splits: dict[str, list[int]]) -> None:
    """Check that a classifier can be trained and tested on the splits.

    Raises:
        UserError: There is no training row, only one label, or a label that no training row has.
    """
    names = {name for rows in splits.values() for row in rows for name in labels[row]}
    if len(names) < 2:
        found = f"the only label is '{min(names)}'" if names else "no row has a label"
        raise UserError(f"{found}; a classifier needs at least two")
    if not splits["train"]:
        raise UserError("there are no training rows; give --train_file or a data set with a train split")
    known = {name for row in splits["train"] for name in labels[row]}
    for split in ("validation", "test"):
        for row in splits[split]:
            unknown = [name for name in labels[row] if name not in known]
            if unknown:
                raise UserError(
                    f"row '{row_ids[row]}' of {split} has the label '{unknown[0]}', which no training row has; train "
                    f"has {', '.join(sorted(known)[:20])} (rename it with --label_map)"
                )


@dataclass
class _Group:
    rank: str
    rows: list[int] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)


@dataclass
class _Split:
    """A split that is being filled: its rows, and the rows and groups of each label."""

    share: float
    rows: list[int] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)

    def missing(self, label: str, total: int) -> float:
        return max(0.0, total * self.share - self.labels[label])

    def add(self, group: _Group) -> None:
        self.rows += group.rows
        self.labels += group.labels
        self.groups.update(group.labels.keys())


def stratified_split(
    groups: Sequence[str], labels: LabelSets, shares: dict[str, float], seed: int, *, min_groups: int = 1
) -> dict[str, list[int]]:
    """Return the rows of each split, in ascending order, with each label's share the same in all up to one group.

    Splits are filled label by label, the rarest first, as in K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the
    Stratification of Multi-label Data", ECML PKDD 2011; here a group of rows stays together.

    Args:
        groups: (rows,) group key of each row.
        labels: (rows,) the label names of each row: one, several or none.
        shares: Share of the rows of each split; they add up to 1. Splits are filled in this order.
        seed: Seed of the order of groups.
        min_groups: How many groups of each label a split needs.

    Raises:
        UserError: A label has fewer groups than the splits need.
    """
    by_key: dict[str, _Group] = {}
    for row, (key, names) in enumerate(zip(groups, labels, strict=True)):
        if key not in by_key:
            by_key[key] = _Group(_rank(key, seed))
        by_key[key].rows.append(row)
        by_key[key].labels.update(names or [UNLABELED])
    of_label: dict[str, list[_Group]] = defaultdict(list)
    for group in sorted(by_key.values(), key=lambda group: group.rank):
        for label in group.labels:
            of_label[label].append(group)
    needed = min_groups * len(shares)
    for label, members in sorted(of_label.items()):
        if label != UNLABELED and len(members) < needed:
            rows = sum(group.labels[label] for group in members)
            raise UserError(
                f"label '{label}' has {len(members)} distinct texts, too few for {', '.join(shares)}: it needs at "
                f"least {needed}; --min_label_rows {rows + 1} leaves it out"
            )
    splits = {name: _Split(share) for name, share in shares.items()}
    placed: set[str] = set()
    # Rare labels first: the frequent ones even out what they leave uneven.
    for label in sorted(of_label, key=lambda name: (len(of_label[name]), name)):
        waiting = [group for group in of_label[label] if group.rank not in placed]
        total = sum(group.labels[label] for group in of_label[label])
        _fill(list(splits.values()), label, total, deque(waiting), min_groups)
        placed |= {group.rank for group in waiting}
    return {name: sorted(split.rows) for name, split in splits.items()}


def _fill(splits: list[_Split], label: str, total: int, waiting: deque[_Group], min_groups: int) -> None:
    """Give the waiting groups of a label, in their order, to one split after the other.

    A split takes the rows it is missing, scaled to the rows available, and at least `min_groups` groups while enough
    are left for the splits after it.
    """
    for place, split in enumerate(splits):
        later = splits[place + 1 :]
        reserved = sum(max(0, min_groups - other.groups[label]) for other in later)
        missing, missing_later = split.missing(label, total), sum(other.missing(label, total) for other in later)
        available = sum(group.labels[label] for group in waiting)
        wanted = available * missing / (missing + missing_later or 1)
        taken = 0
        while len(waiting) > reserved:
            size = waiting[0].labels[label]
            # A group that would overshoot by more than half of itself stays for the next split.
            if later and split.groups[label] >= min_groups and taken + size / 2 > wanted:
                break
            split.add(waiting.popleft())
            taken += size


def sample_rows(
    rows: Sequence[int], row_ids: Sequence[str], labels: LabelSets, max_rows: int | None, seed: int
) -> list[int]:
    """Return at most `max_rows` of the rows, in ascending order, stratified by label; the same ones on every machine.

    Args:
        rows: Rows to choose from.
        row_ids: (all rows,) ids, whose hashes give the order.
        labels: (all rows,) the label names of each row.
        max_rows: How many to keep; None keeps all.
        seed: Seed of the order.
    """
    if max_rows is None or len(rows) <= max_rows:
        return list(rows)
    counts = Counter(name for row in rows for name in set(labels[row]))
    # A label with a single row cannot be in both parts; whether its row is sampled is left to the others.
    names = [[name for name in labels[row] if counts[name] > 1] for row in rows]
    own = [row_ids[row] for row in rows]
    share = max_rows / len(rows)
    parts = stratified_split(own, names, {"kept": share, "left": 1 - share}, seed)
    kept = list(parts["kept"])
    totals = Counter(name for row in kept for name in names[row])
    # Every label kept a row, so there may be too many: the most frequent labels give some up, in hash order.
    while len(kept) > max_rows:
        dropped = max(
            kept, key=lambda row: (min((totals[name] for name in names[row]), default=len(kept)), _rank(own[row], seed))
        )
        kept.remove(dropped)
        totals.subtract(names[dropped])
    left = sorted(parts["left"], key=lambda row: _rank(own[row], seed))
    return sorted(rows[row] for row in [*kept, *left[: max_rows - len(kept)]])


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
