"""Splits: names, a stratified split by group, folds, samples, and the fingerprint of a split."""

import hashlib
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

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


def split_of_path(path: str) -> str | None:
    """Return the split that the words of a path name; None if they name none, or more than one."""
    splits = {SPLIT_OF_WORD[word] for word in re.split(r"[\W_]+", path.casefold()) if word in SPLIT_OF_WORD}
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
    into `folds`, of which `fold` is the test split. UserError if the options are not possible.
    """
    fractions = {"test": args.test_fraction, "validation": args.validation_fraction}
    if args.folds or args.fold is not None:
        if not args.folds or args.fold is None or args.fold >= args.folds:
            raise UserError("--folds K (2 or more) and --fold I are given together, with I from 0 to K - 1")
        if predefined is not None:
            raise UserError("--folds splits all rows anew, but this data set has predefined splits; leave one out")
        shares = {f"fold {fold}": 1 / args.folds for fold in range(args.folds)}
        # Rows outside a fold must supply train and validation; of two folds that is the other one.
        folds = stratified_split(groups, labels, shares, args.split_seed, min_groups=2 if args.folds == 2 else 1)
        held_out = set(folds[f"fold {args.fold}"])
        predefined = ["test" if row in held_out else "train" for row in range(len(row_ids))]
    names = predefined or ["train"] * len(row_ids)
    splits = {split: [row for row, name in enumerate(names) if name == split] for split in SPLITS}
    missing = {split: fraction for split, fraction in fractions.items() if fraction and not splits[split]}
    if sum(missing.values()) >= 1:
        raise UserError("--validation_fraction and --test_fraction must add up to less than 1")
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
    entries = ([row_ids[row], groups[row], list(labels[row]), split] for split in splits for row in splits[split])
    lines = map(json.dumps, entries)
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8")).hexdigest()


def validate_trainable(row_ids: Sequence[str], labels: LabelSets, splits: dict[str, list[int]]) -> None:
    """Raise UserError if there is no training row, only one label, or a label that no training row has."""
    if not splits["train"]:
        raise UserError("there are no training rows; give --train_file or a data set with a train split")
    known = sorted({name for row in splits["train"] for name in labels[row]})
    for split in ("validation", "test"):
        for row in splits[split]:
            if unknown := set(labels[row]).difference(known):
                raise UserError(
                    f"row '{row_ids[row]}' of {split} has the label '{min(unknown)}', which no training row has; train "
                    f"has {', '.join(known[:20])} (rename it with --label_map, or leave it out with --min_label_rows)"
                )
    if len(known) < 2:
        raise UserError(f"a classifier needs at least two labels; the training rows have: {', '.join(known) or 'none'}")


def stratified_split(
    groups: Sequence[str], labels: LabelSets, shares: dict[str, float], seed: int, *, min_groups: int = 1
) -> dict[str, list[int]]:
    """Return the rows of each split, in ascending order, with each label's share the same in all up to one group.

    Groups are ordered by a hash: the split is the same on every machine, and a new row moves few others.
    Splits are filled label by label, the rarest first, as in K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the
    Stratification of Multi-label Data", ECML PKDD 2011; here a group of rows stays together.

    `shares` are the shares of the rows of each split, in the order in which they are filled. UserError if a label has
    fewer than `min_groups` groups for each split.
    """
    rows_with: dict[str, Counter[str]] = defaultdict(Counter)  # group: label: rows
    for group, names in zip(groups, labels, strict=True):
        rows_with[group].update(names or [UNLABELED])
    groups_of: dict[str, list[str]] = defaultdict(list)  # label: groups
    for group in sorted(rows_with, key=lambda group: _rank(group, seed)):
        for label in rows_with[group]:
            groups_of[label].append(group)
    totals = {label: sum(rows_with[group][label] for group in members) for label, members in groups_of.items()}
    needed = min_groups * len(shares)
    for label, members in sorted(groups_of.items()):
        if label != UNLABELED and len(members) < needed:
            fewer = f", or {needed - 1} with --test_fraction 0" if "test" in shares else ""
            if totals[label] >= needed:
                raise UserError(
                    f"the {totals[label]} texts of label '{label}' are near duplicates in {len(members)} groups, which "
                    f"stay in one split; {', '.join(shares)} need {needed} groups: --near_duplicates false splits them"
                )
            raise UserError(
                f"label '{label}' has {len(members)} distinct texts, too few for {', '.join(shares)}: it needs at "
                f"least {needed}{fewer}; --min_label_rows {totals[label] + 1} or more leaves it out"
            )
    split_of: dict[str, str] = {}
    num_rows, num_groups = ({name: Counter[str]() for name in shares} for _ in range(2))
    # Rare labels first: the frequent ones then balance the sizes of the splits.
    for label in sorted(groups_of, key=lambda name: (len(groups_of[name]), name)):
        waiting = deque(group for group in groups_of[label] if group not in split_of)
        missing = {name: max(0.0, totals[label] * share - num_rows[name][label]) for name, share in shares.items()}
        for place, name in enumerate(shares, 1):
            # A split takes the rows it is missing, scaled to those available; enough groups are left for later splits.
            later = list(shares)[place:]
            missing_later = sum(missing[other] for other in later)
            available = sum(rows_with[group][label] for group in waiting)
            wanted = available * missing[name] / (missing[name] + missing_later or 1)
            reserved = sum(max(0, min_groups - num_groups[other][label]) for other in later)
            taken = 0
            while len(waiting) > reserved:
                size = rows_with[waiting[0]][label]
                # A group that would overshoot by more than half of itself stays for the next split.
                if later and num_groups[name][label] >= min_groups and taken + size / 2 > wanted:
                    break
                group = waiting.popleft()
                split_of[group] = name
                num_rows[name].update(rows_with[group])
                num_groups[name].update(rows_with[group].keys())
                taken += size
    return {name: [row for row, group in enumerate(groups) if split_of[group] == name] for name in shares}


def sample_rows(
    rows: Sequence[int], row_ids: Sequence[str], labels: LabelSets, max_rows: int | None, seed: int
) -> list[int]:
    """Return at most `max_rows` of the rows, in ascending order, stratified by label; the same ones on every machine.

    `row_ids` and `labels` are those of all rows, not only of `rows`.
    """
    if max_rows is None or len(rows) <= max_rows:
        return list(rows)
    counts = Counter(name for row in rows for name in set(labels[row]))
    # A label with a single row cannot be in both parts; whether its row is sampled is left to the others.
    names = [[name for name in labels[row] if counts[name] > 1] for row in rows]
    own = [row_ids[row] for row in rows]
    share = max_rows / len(rows)
    parts = stratified_split(own, names, {"kept": share, "left": 1 - share}, seed)
    kept, left = (sorted(parts[part], key=lambda row: _rank(own[row], seed)) for part in ("kept", "left"))
    # Every label kept a row, so there may be too many: the most frequent labels give some up, in hash order.
    seen: Counter[str] = Counter()
    place = {}  # of a row among those of its rarest label
    for row in kept:
        seen.update(names[row])
        place[row] = min((seen[name] for name in names[row]), default=len(kept))
    kept.sort(key=place.__getitem__)
    return sorted(rows[row] for row in [*kept, *left][:max_rows])


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
