"""Prediction of the rows of files: of one into a file, or of any number into shards, where a stopped run is resumed."""

import codecs
import contextlib
import ctypes
import hashlib
import importlib.util
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from tqdm.auto import tqdm

from bbc_classifier.config import PredictArguments, import_pooling_module
from bbc_classifier.data.sources import find_files, short_names
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.inference.classifier import EXPORTED_OPTIONS, OnnxModel, Predictor
from bbc_classifier.inference.files import DELIMITERS, MAX_EXCEL_ROWS, OUTPUT_FORMATS, InputFile, Shard, write_table
from bbc_classifier.io import directory_lock, file_sha256, prepare_output_dir, read_json, remove, write_json, write_text
from bbc_classifier.provenance import environment
from bbc_classifier.ray_tasks import run_on_ray

MANIFEST = "manifest.json"
# Options that the shards depend on: the same command with others does not resume.
SHARD_OPTIONS = (
    "adaptive text_column delimiter encoding quoting top_k min_confidence keep_columns shard_format shard_rows "
    "escape_formulas"
).split()
logger = logging.getLogger(__name__)
# A worker of a Ray cluster keeps the classifier for its next shards.
_load_once = lru_cache(maxsize=1)(Predictor.from_pretrained)


@dataclass
class PredictResult:
    """Counts of the classified rows of one file, or of many.

    Of `rows` classified texts, `truncated` were longer than the classifier reads; `label_counts` has "" for those
    without a label. `invalid` rows had no text, or could not be parsed. `precision` is the number format.
    `complete` is False if other processes of the same launch are still at work. `output` was written; `delimiter` is
    the one of its columns, if it is not the usual one of its format.
    """

    output: Path
    rows: int = 0
    invalid: int = 0
    truncated: int = 0
    label_counts: Counter[str] = field(default_factory=Counter)
    precision: str = "fp32"
    complete: bool = True
    delimiter: str | None = None

    def add(self, counts: dict[str, Any]) -> None:
        """Add the counts that `predict_shard` returns."""
        self.rows += counts["rows"]
        self.invalid += len(counts["invalid_rows"])
        self.truncated += counts["truncated"]
        self.label_counts.update(counts["label_counts"])


def added_columns(classifier: Predictor) -> pa.Schema:
    """Return the columns `prediction` (a list for a multi-label classifier), `confidence` and `p_<label>`."""
    names = ["confidence", *(f"p_{label}" for label in classifier.label_names)]
    label = pa.list_(pa.string()) if classifier.multi_label else pa.string()
    return pa.schema([("prediction", label), *((name, pa.float64()) for name in names)])


def predict_shard(shard: Shard, args: PredictArguments, classifier: Predictor) -> tuple[pa.Table, dict[str, Any]]:
    """Return the rows with `added_columns`, and counts of them as JSON data.

    They are null for rows without a text, for the prediction of an unsure classifier, and for labels beyond `top_k`.
    Rows of a file with a `name` also have the columns `source_file` and `source_row`.
    """
    texts = {index: text for index, text in enumerate(shard.texts) if text is not None}
    predictions = classifier.classify(list(texts.values()), args.top_k, args.min_confidence)
    rows: list[dict[str, Any]] = [{} for _ in shard.texts]
    for index, prediction in zip(texts, predictions, strict=True):
        rows[index] = {f"p_{name}": value for name, value in prediction.probabilities.items()}
        rows[index]["prediction"] = prediction.labels if classifier.multi_label else prediction.label
        rows[index]["confidence"] = prediction.confidence
    added = pa.Table.from_pylist(rows, added_columns(classifier))
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)  # memory that `keep_freed_memory` keeps would grow from shard to shard
    columns = {name: table[name] for table in (shard.table, added) for name in table.schema.names}
    if shard.source:
        numbers = pa.array(range(shard.first_row, shard.first_row + len(rows)), pa.int64())
        columns = {"source_file": pa.repeat(shard.source, len(rows)), "source_row": numbers, **columns}
    return pa.table(columns), {
        "shard": shard.number,
        "rows": len(predictions),
        "truncated": sum(prediction.truncated for prediction in predictions),
        "label_counts": dict(Counter(label for prediction in predictions for label in prediction.labels or [""])),
        "invalid_rows": [
            {"source_file": shard.source, "row": shard.first_row + index, "reason": shard.invalid.get(index, "no text")}
            for index in range(len(rows))
            if index not in texts
        ],
    }


def predict_file(
    args: PredictArguments, classifier: Predictor | None = None, max_rows: int | None = None
) -> PredictResult:
    """Write every row and column of `args.input` with its prediction to `args.output_file`.

    A row without a text gets an empty prediction. `classifier` is the one of `args.model`, if it is loaded. UserError:
    a file or option is not valid, or there are more than `max_rows` rows.
    """
    source, target = Path(str(args.input)), Path(str(args.output_file))
    suffix = target.suffix.lower()
    if find_files("--input", str(source)) != [source.expanduser()]:
        raise UserError(f"--input: '{source}' means several files: set --output_dir in place of --output_file")
    if suffix not in OUTPUT_FORMATS or target.is_dir():
        raise UserError(f"--output_file: '{target}' must be a file with an extension of {', '.join(OUTPUT_FORMATS)}")
    if suffix == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise UserError("--output_file: .xlsx needs openpyxl: pip install openpyxl")
    if args.escape_formulas and suffix not in (*DELIMITERS, ".xlsx"):
        raise UserError(f"--escape_formulas is for .csv, .tsv and .xlsx, not {suffix}")
    if target.exists() and (target.samefile(source.expanduser()) or not args.overwrite):
        remedy = "choose another name, or add --overwrite (the input is never overwritten)"
        raise UserError(f"--output_file: '{target}' exists; {remedy}")
    file = InputFile(source.expanduser(), args)
    if not file.num_rows:
        raise UserError(f"'{source}' holds no row")
    if suffix == ".xlsx" and file.num_rows > MAX_EXCEL_ROWS:
        raise UserError(f"--output_file: .xlsx holds at most {MAX_EXCEL_ROWS:,} rows, not {file.num_rows:,}; use .csv")
    if max_rows is not None and file.num_rows > max_rows:
        raise UserError(f"'{source}' has {file.num_rows:,} rows; at most {max_rows:,} are accepted")
    shard = next(file.shards(file.num_rows))
    for index, reason in shard.invalid.items():
        raise UserError(f"'{source}', row {index + 1}: {reason}; correct it, or skip such rows with --output_dir")
    strings = (column for column in shard.table.columns if pa.types.is_string(column.type))
    if suffix == ".xlsx" and any((pc.max(pc.utf8_length(column)).as_py() or 0) >= 2**15 for column in strings):
        raise UserError(f"--output_file: a cell of .xlsx holds at most {2**15 - 1:,} characters; use .csv")
    if classifier is None:
        classifier = Predictor.from_pretrained(args.model, args.revision, args.device, args.precision, args.adaptive)
        classifier.progress = True
    _validate_new_columns(file, added_columns(classifier).names)
    _log_text_columns([file])
    table, counts = predict_shard(shard, args, classifier)
    delimiter = file.delimiter if source.suffix.lower() == suffix else None
    # As the input, if both are text without an encoding of their own.
    encodes = {suffix, source.suffix.lower()} <= {*DELIMITERS, ".txt"}
    encoding = args.encoding if encodes else "utf-8"
    if encodes and source.expanduser().read_bytes().startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    write_table(target, table, delimiter=delimiter, encoding=encoding, escape_formulas=args.escape_formulas)
    result = PredictResult(target, precision=classifier.precision, delimiter=delimiter)
    result.add(counts)
    return result


def _log_text_columns(files: list[InputFile]) -> None:
    for columns in sorted({", ".join(file.text_columns) for file in files if file.num_rows}):
        logger.info("reading the text from: %s", columns)


def _validate_new_columns(file: InputFile, added: list[str]) -> None:
    if taken := set(added) & set(file.columns):
        raise UserError(f"--input: '{file.path}' has a column '{min(taken)}', which prediction adds; rename it")


def predict_files(args: PredictArguments) -> PredictResult:
    """Classify the rows of every file that `args.input` names into `args.output_dir`.

    The same call resumes a stopped one. Processes started by torchrun share the shards.
    """
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if args.escape_formulas and args.shard_format != "csv":
        raise UserError(f"--escape_formulas is for --shard_format csv, not {args.shard_format}")
    if args.engine == "ray" and processes > 1:
        raise UserError("--engine ray: start one process, without torchrun; the Ray cluster has its own workers")
    output_dir = Path(str(args.output_dir))
    # The first process prepares and completes the directory.
    with directory_lock(output_dir, "predicting") if rank == 0 else contextlib.nullcontext():
        found = find_files("--input", str(args.input))
        paths = [path for path in found if not path.resolve().is_relative_to(output_dir.resolve())]
        if not paths:
            raise UserError(f"--input: '{args.input}' has no file outside of --output_dir")
        files = [InputFile(path, args, name) for path, name in zip(paths, short_names(paths), strict=True)]
        for file in (file for file in files if not file.num_rows):
            logger.warning("'%s' holds no row", file.path)
        if not any(file.num_rows for file in files):
            raise UserError(f"--input: '{args.input}' holds no row")
        _log_text_columns(files)
        if args.device is None and processes > 1 and torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        # The classifier of workers without a GPU decides their precision.
        device = args.device or ("cpu" if args.engine == "ray" and not args.gpus_per_worker else None)
        classifier = Predictor.from_pretrained(args.model, args.revision, device, args.precision, args.adaptive)
        for file in files:
            _validate_new_columns(file, ["source_file", "source_row", *added_columns(classifier).names])
        request = _request(args, files, classifier)
        before = _read_manifest(output_dir).get("request")
        if rank == 0 and before != request:
            if before is not None and not args.overwrite:
                changed = next(name for name in {**request, **before} if before.get(name) != request.get(name))
                problem = f"'{output_dir}' holds other predictions ({changed} is different)"
                raise UserError(f"--output_dir: {problem}; add --overwrite or choose another directory")
            prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker=MANIFEST)
            for name in ("shards", "progress", "invalid_rows.jsonl"):
                remove(output_dir / name)
            write_json(output_dir / MANIFEST, {"request": request, "complete": False, "shards": []})
        _wait(lambda: _read_manifest(output_dir).get("request") == request)
        num_shards = sum(file.num_shards for file in files)
        try:
            _run(args, files, set(range(rank, num_shards, processes)), classifier, show_progress=rank == 0)
        except KeyboardInterrupt as error:
            written = f"{len(_entries(output_dir, args))} of {num_shards} shards written"
            message = f"stopped with {written}; run the same command to resume"
            raise Interrupted(message, getattr(error, "exit_code", 130)) from error
        result = PredictResult(output_dir, precision=classifier.precision, complete=rank == 0)
        if rank == 0:
            _wait(lambda: len(_entries(output_dir, args)) == num_shards)
            _finish(output_dir, args, result)
        return result


def _request(args: PredictArguments, files: list[InputFile], classifier: Predictor) -> dict[str, Any]:
    """Return what the shards depend on, as JSON data."""
    config, model = classifier.config, classifier.model
    settings = [classifier.label_names, {name: getattr(config, name) for name in EXPORTED_OPTIONS}]
    digest = hashlib.sha256(json.dumps(settings).encode())
    if isinstance(model, OnnxModel):
        digest.update(file_sha256(model.path).encode())
    else:
        for tensor in model.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
    options = {f"--{name}": getattr(args, name) for name in SHARD_OPTIONS} | {"--precision": classifier.precision}
    inputs = {f"file {file.name}": [file_sha256(file.path), file.text_columns] for file in files}
    return json.loads(json.dumps({"the classifier": digest.hexdigest(), **options, **inputs}))  # tuples become lists


def _read_manifest(output_dir: Path) -> dict[str, Any]:
    return read_json(output_dir / MANIFEST) if (output_dir / MANIFEST).is_file() else {}


def _wait(condition: Callable[[], bool]) -> None:
    """Wait for another process of the launch; torchrun ends this one if that fails."""
    while not condition():
        time.sleep(0.5)


def _shard_path(output_dir: Path, number: int, args: PredictArguments) -> Path:
    return output_dir / "shards" / f"shard-{number:06d}.{args.shard_format}"


def _entries(output_dir: Path, args: PredictArguments) -> dict[int, dict[str, Any]]:
    """Return the counts of every finished shard by its number."""
    entries = [read_json(path) for path in (output_dir / "progress").glob("[0-9]*.json")]
    entries += _read_manifest(output_dir)["shards"]
    return {entry["shard"]: entry for entry in entries if _shard_path(output_dir, entry["shard"], args).is_file()}


def _run(
    args: PredictArguments, files: list[InputFile], own: set[int], classifier: Predictor, *, show_progress: bool
) -> None:
    """Classify and write the shards of this process that are not finished."""
    output_dir = Path(str(args.output_dir))
    todo = own - _entries(output_dir, args).keys()
    ends = zip(files, accumulate(file.num_shards for file in files), strict=True)
    numbers = [(file, range(end - file.num_shards, end)) for file, end in ends]
    parts = (file.shards(args.shard_rows, span.start) for file, span in numbers if todo.intersection(span))
    shards, in_terminal = (shard for part in parts for shard in part if shard.number in todo), sys.stderr.isatty()
    rows = min(sum(file.num_rows for file in files), len(todo) * args.shard_rows)
    classifier.progress = show_progress and in_terminal
    interval = 0.5 if in_terminal else 30  # seconds
    with tqdm(total=rows, desc="Predicting", unit=" rows", mininterval=interval, disable=not show_progress) as bar:
        if args.engine == "ray":
            function = partial(_predict_on_worker, args, classifier.precision, classifier.config.pooling_module)
            outputs = run_on_ray(function, shards, args.cpus_per_worker, args.gpus_per_worker)
        else:
            outputs = (predict_shard(shard, args, classifier) for shard in shards)
        for table, entry in outputs:
            # Rows without a text have no confidence.
            table = table.filter(pc.is_valid(table["confidence"]))
            write_table(_shard_path(output_dir, entry["shard"], args), table, escape_formulas=args.escape_formulas)
            write_json(output_dir / "progress" / f"{entry['shard']:06d}.json", entry)
            bar.update(entry["rows"] + len(entry["invalid_rows"]))


def _predict_on_worker(
    args: PredictArguments, precision: str, pooling_module: str | None, shard: Shard
) -> tuple[pa.Table, dict[str, Any]]:
    if pooling_module:
        import_pooling_module(pooling_module)
    return predict_shard(shard, args, _load_once(args.model, args.revision, args.device, precision, args.adaptive))


def _finish(output_dir: Path, args: PredictArguments, result: PredictResult) -> None:
    """Add up the counts of all shards, and write the manifest and the log of invalid rows."""
    manifest, entries = _read_manifest(output_dir), _entries(output_dir, args)
    ordered = [entries[number] for number in sorted(entries)]
    for entry in ordered:
        result.add(entry)
    if not manifest["complete"] or manifest["shards"] != ordered:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for entry in ordered for row in entry["invalid_rows"]]
        write_text(output_dir / "invalid_rows.jsonl", "".join(lines))
        manifest |= {"complete": True, "rows": result.rows, "invalid_rows": result.invalid}
        manifest |= {"truncated": result.truncated, "label_counts": dict(result.label_counts.most_common())}
        write_json(output_dir / MANIFEST, {**manifest, "provenance": environment(), "shards": ordered})
        remove(output_dir / "progress")
