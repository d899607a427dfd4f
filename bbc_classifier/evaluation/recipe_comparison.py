"""The recipes held against each other on the same folds, from the records of their out-of-fold predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.paired import paired_difference
from bbc_classifier.provenance import provenance
from bbc_classifier.records import read_json, write_json

# A recipe is not inferior to another if it may be at most this much less accurate, and seems no less accurate.
MARGIN = 0.005


def compare_recipes(
    records: Mapping[str, Sequence[Path]],
    pairs: Sequence[tuple[str, str]],
    data_options: DataArguments,
    *,
    folds: int,
    record: Path,
) -> dict[str, Any]:
    """Compare recipes pair by pair, article by article, and write one record of it.

    Args:
        records: By the name of each recipe its records of `folds` folds, one a seed.
        pairs: Names of the recipes to compare, the first against the second.
        data_options: The data that the records are of.
        folds: Number of folds.
        record: JSON file to write.

    Raises:
        ValueError: A record is of other folds than these.
    """
    truth, fingerprints = _truth(data_options, folds)
    right = {
        name: np.array([_right(read_json(file), truth, fingerprints, file) for file in files])
        for name, files in records.items()
    }
    content = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "folds": folds,
        "records": {name: [file.name for file in files] for name, files in records.items()},
        "margin": MARGIN,
        "pairs": [
            {"first": first, "second": second, **paired_difference(right[first], right[second]).as_record()}
            for first, second in pairs
        ],
        "provenance": provenance(),
    }
    write_json(record, content)
    return content


def is_not_inferior(pair: Mapping[str, Any], margin: float = MARGIN) -> bool:
    """Whether the first recipe of a compared pair is as accurate as the second, within the margin."""
    return pair["lower_bound"] >= -margin and pair["difference"] >= 0


def _truth(data_options: DataArguments, folds: int) -> tuple[dict[str, str], list[str]]:
    """Return the label of every row, and the fingerprints of the folds in their order."""
    truth: dict[str, str] = {}
    fingerprints: list[str] = []
    for fold in range(folds):
        articles = load_articles(replace(data_options, folds=folds, fold=fold))
        test = articles.side("test")
        labels = (articles.label_names[label] for label in test["label"])
        truth |= dict(zip(test["row_id"], labels, strict=True))
        fingerprints.append(articles.split.fingerprint)
    return truth, fingerprints


def _right(content: Mapping[str, Any], truth: Mapping[str, str], fingerprints: list[str], file: Path) -> list[bool]:
    """Return for every row, in the order of `truth`, whether the record has its label."""
    if [fold["split_fingerprint"] for fold in content["folds"]] != fingerprints:
        raise ValueError(f"{file.name} is of other folds")
    return [content["predictions"][row] == label for row, label in truth.items()]
