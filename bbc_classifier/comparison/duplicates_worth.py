"""What duplicates are worth: the accuracy that a naive split shows because test articles also stand in train."""

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from bbc_classifier.comparison.baseline_run import BaselineCell, run_baseline
from bbc_classifier.comparison.finished import Finished, read_finished
from bbc_classifier.data.duplicates import Duplicates, find_duplicates
from bbc_classifier.data.leaks import leaked_rows
from bbc_classifier.data.naive_folds import naive_folds, rows_of, write_sides
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.evaluation.intervals import wilson_interval
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.run import train

BASELINE = "tfidf-svm"

logger = logging.getLogger(__name__)


def duplicates_worth(
    model_options: ModelArguments,
    data_options: DataArguments,
    training_options: Mapping[str, Any],
    *,
    folds: int,
    honest: Mapping[str, Mapping[str, str]],
    record: Path,
) -> dict[str, Any]:
    """Train on naive folds, score leaked and clean test articles apart, and write one record of it.

    An article is leaked if it, or nearly it, also stands in the train or validation rows of its fold. The same articles
    are also scored as models answered them that never saw a copy: what a naive split adds is the difference.

    Args:
        model_options: The encoder and head.
        data_options: The data; folds and files are set here.
        training_options: Keyword arguments of `ClassifierTrainingArguments`, without `output_dir`.
        folds: Number of naive folds.
        honest: By classifier ("encoder" and the baseline) its out-of-fold answers by row id, from folds without leaks.
        record: JSON file to write.

    Raises:
        InputError: As `train`.
        WorldError: As `train`.
    """
    origin = provenance()
    table = open_source(data_options).read()
    duplicates = find_duplicates(table["text"][:])
    sides_of_folds = naive_folds(
        table["label"][:],
        folds=folds,
        validation_fraction=data_options.validation_fraction,
        seed=data_options.split_seed,
    )
    leaked = np.zeros(len(table), bool)
    right = {name: np.zeros(len(table), bool) for name in ("encoder", BASELINE)}
    for fold, sides in enumerate(sides_of_folds):
        logger.info("naive fold %d of %d", fold + 1, folds)
        leaked[_leaked(duplicates, sides)] = True
        for name, answers in _answers(model_options, data_options, training_options, table, sides).items():
            right[name][rows_of(answers.row_ids, sides["test"])] = np.array(answers.truth) == answers.given
    content = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": f"{folds} stratified random folds over all rows, duplicates where they fall",
        "options": {"model": asdict(model_options), "data": without_folders(asdict(data_options))},
        "rows": len(table),
        "leaked": int(leaked.sum()),
        "classifiers": {name: _scores(right[name], leaked, _kept(honest[name], table, duplicates)) for name in right},
        "provenance": origin,
    }
    write_json(record, content)
    return content


def _answers(
    model_options: ModelArguments,
    data_options: DataArguments,
    training_options: Mapping[str, Any],
    table: Dataset,
    sides: dict[str, list[int]],
) -> dict[str, Finished]:
    """Train on a fold's sides as they are, and return what the encoder and the baseline answered; no text is kept."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_sides(table, sides, Path(folder) / "data")
        options = replace(data_options, dataset=DataArguments.dataset, **files)
        arguments = ClassifierTrainingArguments(**training_options, output_dir=str(Path(folder) / "run"))
        words = Path(folder) / "words"
        run_baseline(BaselineCell(BASELINE), options, words)
        run = train(model_options, options, arguments)
        return {"encoder": read_finished(run.path), BASELINE: read_finished(words)}


def _leaked(duplicates: Duplicates, sides: Mapping[str, list[int]]) -> list[int]:
    side_of = {row: side for side, rows in sides.items() for row in rows}
    names = [side_of[row] for row in range(len(duplicates.keys))]
    return leaked_rows(duplicates, names, "test", {"train", "validation"})


def _kept(answers: Mapping[str, str], table: Dataset, duplicates: Duplicates) -> np.ndarray:
    """Return whether honest folds got each row right; a copy that they dropped is answered by the one they kept."""
    name_of = table.features["label"].int2str
    by_key = {
        key: answers[row_id]
        for key, row_id in zip(duplicates.keys, table["row_id"][:], strict=True)
        if row_id in answers
    }
    return np.array(
        [by_key[key] == name_of(label) for key, label in zip(duplicates.keys, table["label"][:], strict=True)]
    )


def _scores(naive: np.ndarray, leaked: np.ndarray, honest: np.ndarray) -> dict[str, Any]:
    """Return accuracies with intervals: of all rows, and of the leaked and the clean ones, naive and honest."""
    groups = {"all": np.ones(len(leaked), bool), "leaked": leaked, "clean": ~leaked}
    return {
        group: {
            "rows": int(rows.sum()),
            **{
                how: {
                    "correct": int(right[rows].sum()),
                    "accuracy": float(right[rows].mean()),
                    "interval": wilson_interval(int(right[rows].sum()), int(rows.sum())),
                }
                for how, right in (("naive", naive), ("honest", honest))
            },
        }
        for group, rows in groups.items()
    }
