"""`bbc-classifier export`: write a classifier in another format, try it, and record how it agrees with the original."""

import importlib.metadata
import logging
import shutil
import sysconfig
import time
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from transformers import PreTrainedTokenizerBase
from transformers.utils import cached_file

from bbc_classifier.config import EXCERPTS, POOLING_NAMES, DataArguments, ExportArguments
from bbc_classifier.data.loading import LoadedData, labels_to_array, load_splits, with_excerpts
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.export.transformers_export import export_transformers
from bbc_classifier.inference.classifier import (
    EXPORT_FILES,
    SAMPLE_TEXTS,
    Predictor,
    find_run,
    model_location,
    predict_labels,
    tokenize,
)
from bbc_classifier.io import atomic_write, escape_markdown, file_sha256, prepare_output_dir, read_json, write_json
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.provenance import environment, record_header
from bbc_classifier.training.run_dir import RunDirectory

logger = logging.getLogger(__name__)

# Logits that differ by more, relative to the largest one, are not those of the same function.
LOGIT_TOLERANCE = 1e-4
# A probability that differs by more is reported.
PROBABILITY_TOLERANCE = 0.05
# The scales of 8 bits are fitted to at most this many training texts and to their excerpts.
CALIBRATION_TEXTS = 100
# What the page of a Space imports.
SPACE_PACKAGES = (
    "torch transformers datasets filelock huggingface-hub safetensors numpy scipy pandas pyarrow pyyaml "
    "psutil rich tqdm wrapt captum gradio openpyxl"
).split()


def export(args: ExportArguments) -> Path:
    """Export a classifier, record in `export.json` how its predictions agree with the original's, return the directory.

    UserError, and nothing is written: the format cannot represent the classifier, or the exported logits differ.
    """
    location = model_location(args.model)
    run_dir = find_run(args.model, "options.json", "record.json")
    default_dir = Path("exports") / f"{Path(args.model).resolve().name}-{args.format}"
    output_dir = Path(args.output_dir or (run_dir / "export" / args.format if run_dir else default_dir))
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="export.json")
    original = Predictor.from_pretrained(args.model, revision=args.revision, device="cpu")
    model, tokenizer = original.model, original.tokenizer
    if not isinstance(model, PooledEncoderForSequenceClassification):
        raise UserError(f"--model: '{args.model}' is an export already; give the run or model it was exported from")
    weights = cached_file(location, EXPORT_FILES["transformers"], revision=args.revision)
    is_int8 = args.format == "openvino-int8"
    needs_data = is_int8 or (args.measure and args.format != "space")
    data = _load_data(RunDirectory(run_dir)) if run_dir and needs_data else None
    with atomic_write(output_dir) as tmp_dir:
        tmp_dir.mkdir()
        if args.format == "transformers":
            export_transformers(model, tokenizer, tmp_dir)
        elif args.format == "space":
            encoder = read_json(run_dir / "record.json")["encoder"]["hub_id"] if run_dir else None
            source = encoder if Path(location).is_dir() else location
            _write_space(model, tokenizer, tmp_dir, title=Path(args.model).resolve().name, source=source)
            if run_dir:
                shutil.copy(run_dir / "record.json", tmp_dir)  # has the columns that texts are read from
        else:
            try:
                from bbc_classifier.export.onnx import export_onnx

                export_onnx(model, tokenizer, tmp_dir, _calibration_texts(data) if is_int8 else None)
            except ModuleNotFoundError as error:
                remedy = f"pip install onnxscript openvino{' nncf' if is_int8 else ''}"
                raise UserError(f"--format {args.format} needs the package {error.name}: {remedy}") from error
        exported = Predictor.from_pretrained(tmp_dir, device="cpu")
        one, other = (own.logits(tokenize(own.tokenizer, SAMPLE_TEXTS, own.config)[0]) for own in (original, exported))
        difference = float(np.abs(one - other).max() / max(1.0, np.abs(one).max()))
        if not is_int8 and not difference <= LOGIT_TOLERANCE:
            problem = f"logits of the export differ from the classifier's by up to {difference:.1e} of the largest"
            raise UserError(f"--format {args.format}: {problem}, so nothing was written; use another --format")
        agreement = {"max_logit_difference": difference}
        agreement |= _agreement(original, exported, data if args.measure else None)
        record: dict[str, Any] = {**record_header(), "format": args.format}
        exported_weights = tmp_dir / EXPORT_FILES.get(args.format, "model/model.safetensors")
        for name, path in (("original", Path(weights)), ("exported", exported_weights)):
            record[name] = {"weights_sha256": file_sha256(path), "weights_bytes": path.stat().st_size}
        record |= {"agreement": agreement, "provenance": environment()}
        write_json(tmp_dir / "export.json", record)
    return output_dir


def _write_space(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, output_dir: Path, **values: Any
) -> None:
    """Write a Hugging Face Space: the demo page, this package, the classifier, requirements; `values` for templates.

    A Space installs its requirements before it has its other files, so the package is copied, not installed.
    """
    if model.config.pooling not in POOLING_NAMES:
        problem = f"the pooling '{model.config.pooling}' is not part of this package"
        raise UserError(f"--format space: {problem}; use --format onnx, or train with another --pooling")
    try:
        versions = {name: importlib.metadata.version(name).partition("+")[0] for name in SPACE_PACKAGES}
    except importlib.metadata.PackageNotFoundError as error:
        remedy = "pip install gradio captum openpyxl"
        raise UserError(f"--format space needs the package {error.name}: {remedy}") from error
    model.save_pretrained(output_dir / "model")
    tokenizer.save_pretrained(output_dir / "model")
    package = Path(__file__).parents[1]
    shutil.copytree(package, output_dir / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    loader = PackageLoader("bbc_classifier.export")
    templates = Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    values |= {"config": model.config, "versions": versions, "python_version": sysconfig.get_python_version()}
    for name in ("app.py", "README.md", "requirements.txt"):
        text = templates.get_template(f"{name}.j2").render(values, md=escape_markdown)
        (output_dir / name).write_text(text, encoding="utf-8")


def _calibration_texts(data: LoadedData | None) -> list[str]:
    """Return training texts of all kinds with their excerpts, or the example texts if they are not available."""
    if data is None:
        logger.warning("8 bits are fitted to example texts, not to training texts: check labels on texts of your own")
        return list(SAMPLE_TEXTS)
    texts = data.dataset["train"]["text"][:]
    return with_excerpts(texts[:: -(-len(texts) // CALIBRATION_TEXTS)], data.info["has_titles"], EXCERPTS)[0]


def _agreement(original: Predictor, exported: Predictor, data: LoadedData | None) -> dict[str, Any]:
    """Compare both classifiers on the test split of the run, or on the example texts where it is not available."""
    if data is not None and not len(data.dataset["test"]):
        data = None
    texts = list(SAMPLE_TEXTS) if data is None else list(data.dataset["test"]["text"])
    probabilities, labels, milliseconds = {}, {}, {}
    for name, classifier in (("original", original), ("exported", exported)):
        classifier.predict_proba(SAMPLE_TEXTS[:2])  # The first batch is slower.
        started = time.perf_counter()
        probabilities[name] = classifier.predict_proba(texts)
        milliseconds[name] = round(1000 * (time.perf_counter() - started) / len(texts), 2)
        labels[name] = predict_labels(probabilities[name], original.thresholds)
    difference = float(np.abs(probabilities["original"] - probabilities["exported"]).max())
    agreement: dict[str, Any] = {
        "texts": "example texts" if data is None else f"test split of {data.info['name']}",
        "num_texts": len(texts),
        "equal_predictions": _equal_share(labels["original"], labels["exported"]),
        "max_probability_difference": difference,
    }
    if data is not None:
        y_true = labels_to_array(data.dataset["test"]["label"], data.label_names, original.label_names)
        agreement |= {f"accuracy_{name}": _equal_share(predicted, y_true) for name, predicted in labels.items()}
    agreement |= {f"milliseconds_per_text_{name}": value for name, value in milliseconds.items()}
    if difference > PROBABILITY_TOLERANCE:
        message = "probabilities of the export differ by up to %.2f from the original's; %.1f %% of labels are equal"
        logger.warning(message, difference, 100 * agreement["equal_predictions"])
    return agreement


def _equal_share(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of equal rows; in a multi-label row every label must be equal."""
    return float((one == other).reshape(len(one), -1).all(axis=1).mean())


def _load_data(run: RunDirectory) -> LoadedData | None:
    """Return the data of a run; None, with the reason in the log, if they are not available or have changed."""
    try:
        data = load_splits(DataArguments(**read_json(run.options)["data"]))
        if data.info["split_fingerprint"] != read_json(run.record)["data"]["split_fingerprint"]:
            raise UserError("the data have changed since the run was trained")
        return data
    except (UserError, EnvironmentFailure) as error:
        logger.warning("the data of the run are not available, so example texts are taken: %s", error)
        return None
