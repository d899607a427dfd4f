"""The recipe on every fold: each article is predicted once, by a model that never saw it."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.predictions import read_given, read_predictions
from bbc_classifier.evaluation.problem import problem_of
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import read_json, write_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.run import train
from bbc_classifier.training.run_folder import RunFolder

# What is said of each fold, whichever the kind of classification has.
HEADLINES = ("accuracy", "subset_accuracy", "macro_f1", "log_loss")

logger = logging.getLogger(__name__)


def cross_validate(
    model_options: ModelArguments,
    data_options: DataArguments,
    training_options: Mapping[str, Any],
    *,
    folds: int,
    output_dir: Path,
    record: Path,
) -> dict[str, Any]:
    """Train on every fold, pool the predictions of the folds' test rows, and write one record of all.

    Folds that are finished are left as they are, so an interrupted call goes on where it stopped.

    Args:
        model_options: The encoder and head.
        data_options: The data; its `folds` and `fold` are set here.
        training_options: Keyword arguments of `ClassifierTrainingArguments`, without `output_dir`.
        folds: Number of folds.
        output_dir: Folder of the fold's run folders, `fold-0` and so on.
        record: JSON file to write.

    Returns:
        The record: options, the pooled out-of-fold report, and each fold's figures.

    Raises:
        InputError: As `train`.
        WorldError: As `train`.
    """
    origin, runs = provenance(), []
    for fold in range(folds):
        logger.info("fold %d of %d", fold + 1, folds)
        arguments = ClassifierTrainingArguments(**training_options, output_dir=str(output_dir / f"fold-{fold}"))
        runs.append(train(model_options, replace(data_options, folds=folds, fold=fold), arguments))
    content = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": f"{folds} folds by group over the distinct articles; every row predicted once, out of fold",
        "options": {
            **read_json(runs[0].record)["options"],
            "data": without_folders(asdict(replace(data_options, folds=folds))),
        },
        "out_of_fold": pooled_report(runs),
        "folds": [_fold_figures(run) for run in runs],
        "predictions": pooled_predictions(runs),
        "provenance": origin,
    }
    write_json(record, content)
    return content


def pooled_report(runs: list[RunFolder]) -> dict[str, Any]:
    """Return the evaluation report over the test predictions of all runs together.

    What each run gave is pooled as it was written: every multi-label run has thresholds of its own.
    """
    names = read_json(runs[0].record)["model"]["labels"]
    files = [run.path / "predictions" / "test.parquet" for run in runs]
    parts = [read_predictions(file, names) for file in files]
    targets, probabilities = (np.concatenate([part[column] for part in parts]) for column in (1, 2))
    given = np.concatenate([read_given(file, names) for file in files])
    return problem_of(names, multi_label=targets.ndim > 1).report(targets, given, probabilities)


def pooled_predictions(runs: list[RunFolder]) -> dict[str, Any]:
    """Return what was given to each row by its run, a label name or a list of them, by row id in ascending order."""
    given: dict[str, Any] = {}
    for run in runs:
        names = read_json(run.record)["model"]["labels"]
        file = run.path / "predictions" / "test.parquet"
        rows = zip(read_predictions(file, names)[0], read_given(file, names), strict=True)
        given |= {
            row_id: [names[index] for index in np.flatnonzero(answer)] if np.ndim(answer) else names[answer]
            for row_id, answer in rows
        }
    return dict(sorted(given.items()))


def _fold_figures(run: RunFolder) -> dict[str, Any]:
    finished = read_json(run.record)
    test = finished["evaluation"]["test"]
    return {
        "n": test["n"],
        **{name: test["metrics"][name] for name in HEADLINES if name in test["metrics"]},
        "temperature": finished["temperature"],
        "train_seconds": finished["seconds"]["train"],
        "weights_sha256": finished["model"]["weights_sha256"],
        "split_fingerprint": finished["data"]["split_fingerprint"],
    }
