"""One function: a classifier and data options in, a finished evaluation folder out."""

import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.evaluation.checkpoint import evaluate_side
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.inference.checkpoint import checkpoint_weights, model_location
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.provenance import file_sha256, peak_memory_mib, provenance
from bbc_classifier.records import read_json, write_json

SCHEMA = 1


def evaluate(options: EvaluateArguments, data_options: DataArguments) -> Path:
    """Evaluate a classifier on the test side and write record, predictions and figures to a folder of its own.

    The classifier's own `max_input_tokens` and `truncation` decide how much of a text it reads; the data options
    choose the rows.

    Raises:
        InputError: There is no such classifier, it does not know a label, it was trained on another split, or the
            folder is taken.
        WorldError: The Hub cannot be reached, or the folder cannot be written.
    """
    folder = Path(options.output_dir or Path("evaluations") / _model_name(options.model))
    _check_folder(folder, options.overwrite)
    classifier = NewsClassifier.from_pretrained(options.model, revision=options.revision)
    articles = load_articles(data_options)
    _check_same_split(options.model, articles.split.fingerprint)
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        raise WorldError(f"--output_dir: cannot write to '{folder}': {error.strerror}") from error
    try:
        report = evaluate_side(classifier, articles, "test", beside)
        write_json(beside / "evaluation.json", _record(options, data_options, articles, report))
        if folder.exists():
            shutil.rmtree(folder)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return folder


def _model_name(model: str) -> str:
    """Return the name of a run folder, also for the model folder in it, or the last part of a Hub id."""
    path = Path(model).resolve()
    return path.parent.name if path.name == "model" else path.name


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Refuse to write over anything but an earlier evaluation, and over that only when told to."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output_dir: '{folder}' is a file; choose a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"--output_dir: '{folder}' is not empty; add --overwrite or choose another folder")
    if not (folder / "evaluation.json").is_file():
        raise InputError(f"--overwrite: '{folder}' holds files that are no evaluation of ours; they stay")


def _check_same_split(model: str, fingerprint: str) -> None:
    """Refuse to test a run on rows that it may have been trained on; a model folder's record lies above it."""
    record = Path(model_location(model)).parent / "record.json"
    if Path(model).is_dir() and record.is_file():
        trained = read_json(record)["data"]["split_fingerprint"]
        if trained != fingerprint:
            raise InputError(
                f"--model: '{model}' was trained on another split ({trained[:12]}, not {fingerprint[:12]}), so these "
                "test rows may be among its training rows; give the data options it was trained with"
            )


def _record(
    options: EvaluateArguments, data_options: DataArguments, articles: Articles, report: dict[str, Any]
) -> dict[str, Any]:
    weights = checkpoint_weights(model_location(options.model), options.revision)
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {
            "name": _model_name(options.model),
            "revision": options.revision,
            "weights_sha256": file_sha256(weights) if weights else None,
        },
        "options": {"data": asdict(data_options)},
        "data": {**articles.provenance, **articles.counts(), "split_fingerprint": articles.split.fingerprint},
        "evaluation": {"test": report},
        "peak_memory_mib": peak_memory_mib(),
        "provenance": provenance(),
    }
