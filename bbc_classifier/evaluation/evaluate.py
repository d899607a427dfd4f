"""Evaluating a saved classifier, reloaded as anyone would load it, and the function of the `evaluate` command."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DatasetDict
from transformers.utils import cached_file

from bbc_classifier.config import CLASSIFIER_OPTIONS, IN_MEMORY, DataArguments, EvaluateArguments
from bbc_classifier.data.duplicates import text_hash
from bbc_classifier.data.loading import LoadedData, excerpts, labels_to_array, load_splits
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.calibration import expected_calibration_error
from bbc_classifier.evaluation.metrics import classification_report
from bbc_classifier.evaluation.statistics import wilson_interval
from bbc_classifier.inference.classifier import (
    EXAMPLE_TEXTS,
    EXPORT_FILES,
    Predictor,
    find_run,
    model_location,
    predict_labels,
)
from bbc_classifier.io import atomic_write, file_sha256, prepare_output_dir, read_json, slug, write_json
from bbc_classifier.plots import plot_confusion_matrix, plot_label_errors
from bbc_classifier.provenance import environment, peak_memory_mb, record_header, without_local_paths

# Options that name data. Without any of them, `evaluate` takes the data of the classifier's own run.
DATA_SOURCES = ("dataset", "train_file", "validation_file", "test_file")
# Options of the run that also apply to other data, unless they are given.
REMEMBERED = ("text_column", "label_column", "label_separator", "label_map", "delimiter", "quoting")
logger = logging.getLogger(__name__)


def evaluate_split(
    classifier: Predictor,
    data: LoadedData,
    split: str,
    output_dir: Path,
    scored: tuple[np.ndarray, Sequence[bool]] | None = None,
    *,
    name: str | None = None,
) -> dict[str, Any]:
    """Evaluate one split; write `predictions/<split>.parquet` and, for the test split, figures.

    Returns `metrics.classification_report` with `truncated_share`, `seconds` and, of the test split, the
    `length_report` as `by_length`. `scored` are probabilities (n, labels) and which texts were cut, if they are
    computed already; figures bear `name`, or else the name of `output_dir`.
    A UserError says that the data have a label, or a number of labels per text, that the classifier cannot predict.
    """
    if classifier.multi_label != data.multi_label:
        own, other = ("any number of labels", "exactly one")[:: 1 if classifier.multi_label else -1]
        raise UserError(f"the classifier predicts {own} per text, but {data.info['name']} has {other}")
    rows, labels, thresholds = data.dataset[split], classifier.label_names, classifier.thresholds
    y_true = labels_to_array(rows["label"], data.label_names, labels)
    started = time.perf_counter()
    probabilities, truncated = scored or classifier.probabilities(rows["text"])
    seconds = round(time.perf_counter() - started, 3)
    path, predictions = output_dir / "predictions" / f"{split}.parquet", predict_labels(probabilities, thresholds)
    report = classification_report(y_true, probabilities, labels, thresholds, predictions=predictions)
    by_length: dict[str, np.ndarray] = {}
    if split == "test":
        report["by_length"], by_length = length_report(
            y_true, probabilities, classifier.predict_proba, rows["text"], data.info["has_titles"], thresholds
        )
        metric = "micro_f1" if data.multi_label else "accuracy"
        title = f"{name or output_dir.name}\n{data.info['name']}, {split}, n = {report['n']}, "
        title += f"{metric.replace('_f', ' F')} {report['metrics'][metric]:.3f}"
        figures = output_dir / "figures"
        if data.multi_label:
            plot_label_errors(report["per_label"], figures / "label_errors.png", title=title)
        else:
            counts, names = report["confusion_matrix"]["counts"], report["confusion_matrix"]["labels"]
            plot_confusion_matrix(counts, names, figures / "confusion_matrix.png", title=title, normalized=False)
            file = figures / "confusion_matrix_normalized.png"
            plot_confusion_matrix(counts, names, file, title=title, normalized=True)
    write_predictions(path, rows["row_id"][:], y_true, predictions, probabilities, labels, by_length)
    return {**report, "truncated_share": float(np.mean(truncated)), "seconds": seconds}


def length_report(
    y_true: np.ndarray,
    whole: np.ndarray,
    predict_proba: Callable[[list[str]], np.ndarray],
    texts: Sequence[str],
    titled: bool,
    thresholds: Sequence[float] | None = None,
) -> tuple[dict[str, dict[str, Any]], dict[str, np.ndarray]]:
    """Return how well excerpts and whole texts are classified, and the probabilities (n, labels) of the excerpts.

    By kind (`data.loading.excerpts`). `whole` are the probabilities of whole texts. `accuracy` with its Wilson interval
    counts rows whose label, or whose labels, are all correct; `mean_confidence` is that of the predicted label (None
    for multi-label data).
    """
    parts, report = [excerpts(text, titled) for text in texts], {}
    by_length = {kind: predict_proba([part[kind] for part in parts]) for kind in parts[0]}
    for kind, values in {**by_length, "whole": whole}.items():
        is_correct = predict_labels(values, thresholds) == y_true
        correct = int((is_correct.all(axis=1) if is_correct.ndim == 2 else is_correct).sum())
        report[kind] = {
            "n": len(y_true),
            "correct": correct,
            "accuracy": correct / len(y_true),
            "interval": wilson_interval(correct, len(y_true)),
            "mean_confidence": float(values.max(axis=1).mean()) if y_true.ndim == 1 else None,
            "expected_calibration_error": expected_calibration_error(y_true, values),
        }
    return report, by_length


def predict_examples(classifier: Predictor) -> list[dict[str, Any]]:
    """Return each `text` with its `probabilities` by label, none if the labels are not those of BBC News."""
    if set(classifier.label_names) != set(EXAMPLE_TEXTS):
        return []
    predictions = zip(EXAMPLE_TEXTS.values(), classifier.classify(list(EXAMPLE_TEXTS.values())), strict=True)
    return [{"text": text, "probabilities": prediction.probabilities} for text, prediction in predictions]


def write_predictions(
    path: Path,
    row_ids: Sequence[str],
    y_true: np.ndarray,
    predictions: np.ndarray,
    probabilities: np.ndarray | None,
    label_names: Sequence[str],
    excerpt_probabilities: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write `row_id`, `label`, `prediction` and, with probabilities, `p_<label>` (float64) as Parquet; no texts.

    Labels are names, or lists of names where `y_true` and `predictions` are (n, labels) bool. Of single-label data the
    `prediction_<excerpt>` and its `confidence_<excerpt>` follow.
    """

    def names(values: np.ndarray) -> pa.Array:
        if values.ndim == 1:
            return pa.array([label_names[index] for index in values], pa.string())
        rows = [[label_names[i] for i in np.flatnonzero(row).tolist()] for row in values]
        return pa.array(rows, pa.list_(pa.string()))

    columns = {"row_id": list(row_ids), "label": names(y_true), "prediction": names(predictions)}
    if probabilities is not None:
        columns |= {f"p_{name}": probabilities[:, index] for index, name in enumerate(label_names)}
    for excerpt, values in (excerpt_probabilities or {}).items() if y_true.ndim == 1 else ():
        columns[f"prediction_{excerpt}"] = names(predict_labels(values))
        columns[f"confidence_{excerpt}"] = values.max(axis=1)
    with atomic_write(path) as tmp_path:
        pq.write_table(pa.table(columns), tmp_path)


def evaluate(args: EvaluateArguments, data_options: Mapping[str, Any] | None = None, dataset: Any = None) -> Path:
    """Evaluate a classifier and write `evaluation.json`, predictions and figures to a directory.

    Without options that name data, the test split of the classifier's own run is evaluated. Other data are read with
    the columns, delimiter and label map of the run, unless these are given. Texts that the classifier was trained on
    are refused, or left out with `drop_leaked_rows`.

    `data_options` are the options of `DataArguments` that were given; `dataset` is data in memory, as `load_splits`
    takes it. Returns the directory. UserError: an option or the data are not valid, or texts were seen in training.
    """
    options = dict(data_options or {})
    if given := CLASSIFIER_OPTIONS & options.keys():
        raise UserError(f"--{min(given)}: how texts are read is part of the classifier; remove this option")
    run, model = find_run(args.model, "options.json", "seen_texts.json"), Path(args.model).resolve()
    name = model.parent.name if model.name == "model" else model.name
    name = f"{model.parents[1].name}-{name}" if model.parent.name == "export" else name
    own = read_json(run / "options.json") if run else {"data": {}, "dataset": {}}
    data_args, data, is_own_data = _load(args, own, options, dataset)
    data_name = "" if is_own_data else f"-on-{slug(data.info['name'])}"
    output_dir = Path(args.output_dir) if args.output_dir else Path("evaluations") / f"{name}{data_name}"
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="evaluation.json")
    num_seen = 0
    if run and data.info["split_fingerprint"] != own["dataset"]["split_fingerprint"]:
        seen, split = set(read_json(run / "seen_texts.json")), read_json(run / "split.json") if is_own_data else {}
        seen |= {*split.get("train", ()), *split.get("validation", ())}  # other columns of these rows are other texts
        data, num_seen = _without_seen_texts(args.model, seen, data, drop=data_args.drop_leaked_rows)
    classifier = Predictor.from_pretrained(args.model, revision=args.revision)
    classifier.progress = True
    location, weights = model_location(args.model), getattr(classifier.model, "path", None)  # the path of an ONNX graph
    weights = weights or cached_file(location, EXPORT_FILES["transformers"], revision=args.revision)
    with atomic_write(output_dir, keep_others=True) as tmp_dir:
        report = evaluate_split(classifier, data, "test", tmp_dir, name=name)
        record = {
            **record_header(),
            "model": {"name": name, "revision": args.revision, "weights_sha256": file_sha256(Path(weights))},
            "options": {"split": args.split, "data": without_local_paths(asdict(data_args))},
            "data": {**data.info, "seen_texts_dropped": num_seen},
            "evaluation": {"test": report},
            "peak_memory_mb": peak_memory_mb(),
            "provenance": environment(),
        }
        write_json(tmp_dir / "evaluation.json", record)
    return output_dir


def _load(
    args: EvaluateArguments, own: dict[str, Any], options: dict[str, Any], dataset: Any
) -> tuple[DataArguments, LoadedData, bool]:
    """Return the data options, the data, and whether the run, of whose options `own` are, was trained on these data."""
    # The run's own test split is cut again, as for training.
    own_split, identity = "all" if args.split == "all" else None, own["dataset"].get("identity")
    names_data = dataset is not None or any(options.get(source) is not None for source in DATA_SOURCES)
    if not own["data"]:
        if not names_data:
            raise UserError(f"--model: '{args.model}' has no test split of its own; name data with --dataset")
        logger.warning("the texts that '%s' was trained on are not known: the data may hold some of them", args.model)
    if names_data:
        remembered = {name: own["data"][name] for name in REMEMBERED if name in own["data"]}
        data_args = DataArguments(**(remembered | options))
        data = load_splits(data_args, dataset, args.split)
        if data.info["identity"] != identity:
            return data_args, data, False
    data_args, remedy = DataArguments(**(own["data"] | options)), "name data with --dataset or --test_file"
    if data_args.dataset == IN_MEMORY and dataset is None:
        raise UserError(f"--model: '{args.model}' was trained on data in memory; {remedy}")
    data = load_splits(data_args, dataset, own_split)
    if data.info["identity"] != identity:
        raise UserError(f"--model: the data that '{args.model}' was trained on have changed since; {remedy}")
    if not len(data.dataset["test"]):
        raise UserError(f"--model: '{args.model}' kept no test rows; {remedy}")
    return data_args, data, True


def _without_seen_texts(model: str, seen: set[str], data: LoadedData, *, drop: bool) -> tuple[LoadedData, int]:
    """Return the data without the test rows whose id, or the hash of whose text, is in `seen`, and their number."""
    test = data.dataset["test"]
    rows = zip(test["row_id"], test["text"], strict=True)
    is_seen = np.array([row_id in seen or text_hash(text) in seen for row_id, text in rows], dtype=bool)
    if not is_seen.any():
        return data, 0
    first, number = test["row_id"][int(is_seen.argmax())], int(is_seen.sum())
    remedy = "add --drop_leaked_rows to leave them out, or remove the data options to evaluate its run's test split"
    if number == len(test) or not drop:
        raise UserError(
            f"--model: '{model}' was trained on the text of {number} of {len(test)} rows, first '{first}'; "
            f"{'there are no other rows to evaluate' if number == len(test) else remedy}"
        )
    kept = test.select(np.flatnonzero(~is_seen))
    labels = Counter(data.label_names[i] for row in kept["label"] for i in (row if data.multi_label else [row]))
    changed = {"split_sizes": len(kept), "label_counts": dict(sorted(labels.items()))}
    info = data.info | {key: {**data.info[key], "test": value} for key, value in changed.items()}
    return replace(data, dataset=DatasetDict({**data.dataset, "test": kept}), info=info), number
