"""Folds as most people cut them, at random, copies wherever they fall: to measure what that is worth."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from sklearn.model_selection import StratifiedKFold, train_test_split

from bbc_classifier.data.split import SIDES


def naive_folds(
    labels: Sequence[int], *, folds: int, validation_fraction: float, seed: int
) -> list[dict[str, list[int]]]:
    """Return per fold the row numbers of each side, stratified by label and otherwise at random.

    Args:
        labels: The label of each row.
        folds: How many folds; each row is on the test side of one.
        validation_fraction: Share of a fold's other rows that validates.
        seed: Seed of the shuffling.
    """
    order = StratifiedKFold(folds, shuffle=True, random_state=seed)
    cut = []
    for rest, test in order.split(np.zeros(len(labels)), labels):
        train, validation = train_test_split(
            rest, test_size=validation_fraction, random_state=seed, stratify=np.asarray(labels)[rest]
        )
        cut.append({side: sorted(map(int, rows)) for side, rows in zip(SIDES, (train, validation, test), strict=True)})
    return cut


def write_sides(table: Dataset, sides: dict[str, list[int]], folder: Path) -> dict[str, Any]:
    """Write each side's texts and label names as JSON Lines, and return the options that name the files.

    Args:
        table: `text` and `label`, a `ClassLabel`.
        sides: Row numbers of each side.
        folder: Where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name_of = table.features["label"].int2str
    options = {}
    for side, rows in sides.items():
        part = table.select(rows)
        lines = [
            json.dumps({"text": text, "label": name_of(label)})
            for text, label in zip(part["text"][:], part["label"][:], strict=True)
        ]
        file = folder / f"{side}.jsonl"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        options[f"{side}_file"] = str(file)
    return options


def rows_of(row_ids: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Return which of a side's rows each row id of its file means.

    Args:
        row_ids: As rows are called that were read from a file `write_sides` wrote, `name:number`, from 1 on.
        rows: The row numbers that were written to it.
    """
    return [rows[int(row_id.rpartition(":")[2]) - 1] for row_id in row_ids]
