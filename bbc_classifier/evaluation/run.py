"""One function: a classifier and data options in, a finished evaluation folder out."""

import logging
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.evaluation.checkpoint import evaluate_side
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.inference.checkpoint import model_location
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.provenance import file_sha256, peak_memory_mib, provenance
from bbc_classifier.records import read_json, write_json

logger = logging.getLogger(__name__)


def evaluate(options: EvaluateArguments, data_options: DataArguments) -> Path:
    """Evaluate a classifier on the test side and write record, predictions and figures to a folder of its own.

    The classifier's own `max_input_tokens` and `truncation` decide how much of a text it reads; the data options
    choose the rows.

    Raises:
        InputError: There is no such classifier, it does not know a label, it was trained on another split, or the
            folder is taken.
        WorldError: The Hub cannot be reached, or the folder cannot be written.
    """
    folder = Path(options.output_dir or Path("evaluations") / Path(options.model).resolve().name)
    if folder.exists() and any(folder.iterdir()) and not options.overwrite:
        raise InputError(f"--output_dir: '{folder}' is not empty; add --overwrite or choose another folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "evaluation.json").is_file():
        raise InputError(f"--overwrite: '{folder}' holds files that are no evaluation of ours; they stay")
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
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder


def _check_same_split(model: str, fingerprint: str) -> None:
    """Refuse to test a run on rows that it may have been trained on."""
    record = Path(model) / "record.json"
    if record.is_file() and (trained := read_json(record)["data"]["split_fingerprint"]) != fingerprint:
        raise InputError(
            f"--model: '{model}' was trained on another split ({trained[:12]}, not {fingerprint[:12]}), so these test "
            "rows may be among its training rows; give the data options it was trained with"
        )


def _record(
    options: EvaluateArguments, data_options: DataArguments, articles: Any, report: dict[str, Any]
) -> dict[str, Any]:
    weights = Path(model_location(options.model)) / "model.safetensors"
    return {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {
            "name": Path(options.model).name,
            "revision": options.revision,
            "weights_sha256": file_sha256(weights) if weights.is_file() else None,
        },
        "options": {"data": asdict(data_options)},
        "data": {**articles.provenance, **articles.counts(), "split_fingerprint": articles.split.fingerprint},
        "evaluation": {"test": report},
        "peak_memory_mib": peak_memory_mib(),
        "provenance": provenance(),
    }
