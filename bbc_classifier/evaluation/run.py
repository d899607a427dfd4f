"""One function: a classifier and data options in, a finished evaluation folder out."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bbc_classifier.data.articles import Articles, load_articles, load_test_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.checkpoint import evaluate_side
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.evaluation.training_run import TrainingRun
from bbc_classifier.export.layout import RUN_EXPORTS
from bbc_classifier.folders import check_output_folder, folder_name, folder_written_whole
from bbc_classifier.inference.checkpoint import checkpoint_weights, model_location
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.provenance import file_sha256, peak_memory_mib, provenance, without_folders
from bbc_classifier.records import write_json

SCHEMA = 2
CONTENTS = frozenset({"evaluation.json", "predictions", "figures"})
# How much of a text is read is the classifier's own affair.
CLASSIFIERS_OWN = ("max_length", "truncation", "distinct_tokens")


def evaluate(options: EvaluateArguments, data_options: Mapping[str, Any] | None = None) -> Path:
    """Evaluate a classifier and write record, predictions and figures to a folder of its own.

    The classifier's own `max_input_tokens` and `truncation` decide how much of a text it reads; the data options
    choose the rows.

    Args:
        options: The classifier, and which rows.
        data_options: Options of `DataArguments` by name. Those that are not here are the run's own, or, where other
            data are named or the classifier lies in no run folder, the defaults.

    Raises:
        InputError: There is no such classifier, it does not know a label, rows are among those it was trained on, or
            the folder is taken.
        WorldError: The Hub cannot be reached, or the folder cannot be written.
    """
    for name in CLASSIFIERS_OWN:
        if name in (data_options or {}):
            raise InputError(f"--{name}: a classifier reads as much of a text as it was trained on; leave this out")
    run = TrainingRun(options.model)
    data = run.data_with(data_options or {})
    folder = Path(options.output_dir) if options.output_dir else _default_folder(options.model, run, data)
    check_output_folder(folder, overwrite=options.overwrite, kind="evaluation", contents=CONTENTS)
    classifier = open_classifier(options.model, revision=options.revision)
    articles = _articles(options.rows, data, run)
    seen = run.seen(articles)
    if seen:
        articles = run.without_seen(articles, seen, remove=data.remove_leaks)
    with folder_written_whole(folder) as beside:
        report = evaluate_side(classifier, articles, "test", beside)
        write_json(beside / "evaluation.json", _record(options, data, articles, report, len(seen)))
    return folder


def _articles(rows: str, data: DataArguments, run: TrainingRun) -> Articles:
    if rows == "test" or (rows == "auto" and run.was_trained_on(data)):
        return load_articles(data)
    return load_test_articles(data, every_row=rows == "all")


def _default_folder(model: str, run: TrainingRun, data: DataArguments) -> Path:
    """Return evaluations/<model>, or of data that the run was not trained on, evaluations/<model>-on-<data>."""
    name = _model_name(model)
    own = run.was_trained_on(data)
    return Path("evaluations") / (name if own else f"{name}-on-{folder_name(open_source(data).name)}")


def _model_name(model: str) -> str:
    """Return the name of a run folder, also for the model folder in it, or the last part of a Hub id.

    An export in a run folder is <run>-<format>.
    """
    path = Path(model).resolve()
    if path.parent.name == RUN_EXPORTS:
        return f"{path.parents[1].name}-{path.name}"
    return path.parent.name if path.name == "model" else path.name


def _record(
    options: EvaluateArguments, data: DataArguments, articles: Articles, report: dict[str, Any], seen: int
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
        "options": {"rows": options.rows, "data": without_folders(asdict(data))},
        "data": {
            **articles.provenance,
            **articles.counts(),
            "split_fingerprint": articles.split.fingerprint,
            "seen_in_training_removed": seen,
        },
        "evaluation": {"test": report},
        "peak_memory_mib": peak_memory_mib(),
        "provenance": provenance(),
    }
