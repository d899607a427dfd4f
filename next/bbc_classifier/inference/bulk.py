"""Prediction over any number of rows: files are streamed and written in shards, and a stopped run is resumed.

An output directory holds `shards/`, `manifest.json` (the request, and what became of each shard), `invalid_rows.jsonl`
and, while it is incomplete, `progress/` with a file per finished shard.
"""

import contextlib
import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from tqdm.auto import tqdm

from bbc_classifier.config import PredictArguments
from bbc_classifier.data.sources import find_files, short_names
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.inference.classifier import EXPORTED_OPTIONS, OnnxModel, TextClassifier
from bbc_classifier.inference.files import (
    InputFile,
    PredictResult,
    count_predictions,
    predict_rows,
    validate_new_columns,
    write_table,
)
from bbc_classifier.io import directory_lock, file_sha256, prepare_output_dir, read_json, remove, write_json, write_text
from bbc_classifier.provenance import environment
from bbc_classifier.ray_tasks import run_on_ray

MANIFEST = "manifest.json"
SOURCE_COLUMNS = ("source_file", "source_row")
# Options that the shards depend on: the same command with others does not resume.
SHARD_OPTIONS = (
    *("text_column", "delimiter", "encoding", "quoting", "top_k", "min_confidence"),
    *("keep_columns", "shard_format", "shard_rows", "escape_formulas"),
)
# Texts classified together: enough of similar length, and few enough that the progress bar moves.
CHUNK_ROWS = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shard:
    """Rows to classify: `invalid` has why a row could not be parsed, `texts` None where there is no text."""

    number: int
    source: str
    first_row: int
    table: pa.Table
    texts: list[str | None]
    invalid: dict[int, str]


@dataclass(frozen=True)
class ShardOutput:
    """A classified shard, and its entry in the manifest: counts, and the rows that were left out."""

    number: int
    table: pa.Table
    entry: dict[str, Any]


def predict_files(args: PredictArguments) -> PredictResult:
    """Classify the rows of every file that `args.input` names into `args.output_dir`.

    The same call resumes a stopped one. Processes started by torchrun share the shards.

    Raises:
        UserError: A file or option is not valid, or the directory holds something else.
        EnvironmentFailure: The Hub or the Ray cluster cannot be reached, or the directory cannot be written.
        Interrupted: A signal stopped it; the same call resumes it.
    """
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if args.escape_formulas and args.shard_format != "csv":
        raise UserError(f"--escape_formulas is for --shard_format csv, not {args.shard_format}")
    if args.engine == "ray" and processes > 1:
        raise UserError("--engine ray: start one process, without torchrun; the Ray cluster has its own workers")
    output_dir = Path(str(args.output_dir))
    # The first process prepares and completes the directory.
    with directory_lock(output_dir, "predicting") if rank == 0 else contextlib.nullcontext():
        files = _input_files(args, output_dir)
        device = args.device
        if device is None and processes > 1 and torch.cuda.is_available():
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        classifier = TextClassifier.from_pretrained(args.model, args.revision, device)
        for file in files.values():
            for name in args.keep_columns or ():
                if name not in file.schema.names:
                    raise UserError(f"--keep_columns: '{file.path}' has no column '{name}'")
            kept = args.keep_columns or file.schema.names
            validate_new_columns(file.path, kept, classifier.label_names, *SOURCE_COLUMNS)
        request = _request(args, files, classifier)
        if rank == 0:
            _begin(output_dir, request, overwrite=args.overwrite)
        else:
            _wait(lambda: _read_manifest(output_dir).get("request") == request)
        num_shards = sum(-(-file.num_rows // args.shard_rows) for file in files.values())
        todo = set(range(rank, num_shards, processes)) - _entries(output_dir, args.shard_format).keys()
        try:
            _run(args, files, todo, classifier, progress=rank == 0)
        except KeyboardInterrupt as error:
            written = f"{len(_entries(output_dir, args.shard_format))} of {num_shards} shards written"
            message = f"stopped with {written}; run the same command to resume"
            raise Interrupted(message, getattr(error, "exit_code", 130)) from error
        result = PredictResult(output_dir, max_input_tokens=classifier.config.max_input_tokens)
        if rank > 0:
            result.complete = False
            return result
        _wait(lambda: len(_entries(output_dir, args.shard_format)) == num_shards)
        return _finish(output_dir, args.shard_format, result)


def _input_files(args: PredictArguments, output_dir: Path) -> dict[str, InputFile]:
    """Return the files by their shortest distinct names; those in the output directory are left out."""
    found = find_files("--input", str(args.input))
    paths = [path for path in found if not path.resolve().is_relative_to(output_dir.resolve())]
    if not paths:
        raise UserError(f"--input: '{args.input}' has no file outside of --output_dir")
    return {name: InputFile(path, args) for name, path in zip(short_names(paths), paths, strict=True)}


def _request(args: PredictArguments, files: dict[str, InputFile], classifier: TextClassifier) -> dict[str, Any]:
    """Return everything that the shards depend on, as JSON data."""
    config, tokenizer, model = classifier.config, classifier.tokenizer, classifier.model
    settings = [classifier.label_names, {name: getattr(config, name) for name in EXPORTED_OPTIONS}]
    words = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else json.dumps(tokenizer.get_vocab())
    digest = hashlib.sha256(f"{json.dumps(settings)}{words}".encode())
    if isinstance(model, OnnxModel):
        digest.update(file_sha256(model.path).encode())
    else:
        for tensor in model.state_dict().values():
            digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy())
    options = {f"--{name}": getattr(args, name) for name in SHARD_OPTIONS}
    described = {
        f"file {name}": {"sha256": file_sha256(file.path), "rows": file.num_rows, "text_columns": file.text_columns}
        for name, file in files.items()
    }
    return {"the classifier": digest.hexdigest(), **options, "files": list(files), **described}


def _begin(output_dir: Path, request: dict[str, Any], *, overwrite: bool) -> None:
    """Write the manifest, unless it is there for the same request."""
    before = _read_manifest(output_dir).get("request")
    if before == request:
        return
    if before is not None and not overwrite:
        changed = next((name for name in {**request, **before} if before.get(name) != request.get(name)), "")
        raise UserError(
            f"--output_dir: '{output_dir}' holds predictions with other options or input ({changed} is different); add "
            "--overwrite or choose another directory"
        )
    prepare_output_dir("--output_dir", output_dir, overwrite=overwrite, marker=MANIFEST)
    for name in ("shards", "progress", "invalid_rows.jsonl"):
        remove(output_dir / name)
    write_json(output_dir / MANIFEST, {"request": request, "complete": False, "shards": []})


def _read_manifest(output_dir: Path) -> dict[str, Any]:
    path = output_dir / MANIFEST
    return read_json(path) if path.is_file() else {}


def _wait(condition: Callable[[], bool]) -> None:
    """Wait for another process of the launch; torchrun ends this one if that fails."""
    while not condition():
        time.sleep(0.5)


def _shard_path(output_dir: Path, number: int, shard_format: str) -> Path:
    return output_dir / "shards" / f"shard-{number:06d}.{shard_format}"


def _entries(output_dir: Path, shard_format: str) -> dict[int, dict[str, Any]]:
    """Return the entry of every finished shard by its number."""
    entries = [read_json(path) for path in (output_dir / "progress").glob("[0-9]*.json")]
    entries += _read_manifest(output_dir)["shards"]
    written = [entry for entry in entries if _shard_path(output_dir, entry["shard"], shard_format).is_file()]
    return {entry["shard"]: entry for entry in written}


def _run(
    args: PredictArguments, files: dict[str, InputFile], todo: set[int], classifier: TextClassifier, *, progress: bool
) -> None:
    """Classify and write the shards of this process."""
    output_dir, shards = Path(str(args.output_dir)), _shards(args, files, todo)
    rows = min(sum(file.num_rows for file in files.values()), len(todo) * args.shard_rows)
    # A log file gets a line every half minute.
    seconds = 0.5 if sys.stderr.isatty() else 30
    with tqdm(total=rows, desc="Predicting", unit=" rows", mininterval=seconds, disable=not progress) as bar:
        if args.engine == "ray":
            local = Path(args.model).resolve()
            options = json.dumps(asdict(args) | ({"model": str(local)} if local.exists() else {}))
            function = partial(_predict_on_worker, options)
            outputs = run_on_ray(function, shards, args.cpus_per_worker, args.gpus_per_worker)
        else:
            outputs = (_predict_shard(shard, args, classifier, bar.update) for shard in shards)
        for output in outputs:
            path = _shard_path(output_dir, output.number, args.shard_format)
            write_table(path, output.table, escape_formulas=args.escape_formulas)
            write_json(output_dir / "progress" / f"{output.number:06d}.json", output.entry)
            if args.engine == "ray":
                bar.update(output.table.num_rows + len(output.entry["invalid_rows"]))


def _shards(args: PredictArguments, files: dict[str, InputFile], todo: set[int]) -> Iterator[Shard]:
    number = -1
    for source, file in files.items():
        shards_of_file = -(-file.num_rows // args.shard_rows)
        if not todo & set(range(number + 1, number + 1 + shards_of_file)):
            number += shards_of_file
            continue
        for index, (table, invalid) in enumerate(file.blocks(args.shard_rows)):
            number += 1
            if number in todo:
                kept = table if args.keep_columns is None else table.select(args.keep_columns)
                yield Shard(number, source, index * args.shard_rows + 1, kept, file.texts(table), invalid)


def _predict_shard(
    shard: Shard, args: PredictArguments, classifier: TextClassifier, report: Callable[[int], Any]
) -> ShardOutput:
    """Classify the rows of a shard; rows without a text, or that could not be parsed, are left out and recorded."""
    counts = PredictResult(Path())
    tables = []
    for start in range(0, len(shard.texts), CHUNK_ROWS):
        predictions, columns = predict_rows(classifier, shard.texts[start : start + CHUNK_ROWS], args)
        tables.append(pa.table(columns))
        count_predictions(counts, predictions)
        report(len(predictions))
    predicted = pa.concat_tables(tables)
    columns = {
        "source_file": pa.repeat(shard.source, len(shard.texts)),
        "source_row": pa.array(range(shard.first_row, shard.first_row + len(shard.texts)), pa.int64()),
        **{name: shard.table[name] for name in shard.table.schema.names},
        **{name: predicted[name] for name in predicted.schema.names},
    }
    valid = [index for index, text in enumerate(shard.texts) if text is not None]
    invalid_rows = [
        {"source_file": shard.source, "row": shard.first_row + index, "reason": shard.invalid.get(index, "no text")}
        for index, text in enumerate(shard.texts)
        if text is None
    ]
    entry = {
        **{"shard": shard.number, "file": shard.source, "rows": counts.rows, "truncated": counts.truncated},
        **{"label_counts": dict(counts.label_counts), "invalid_rows": invalid_rows},
    }
    return ShardOutput(shard.number, pa.table(columns).take(pa.array(valid, pa.int64())), entry)


def _predict_on_worker(options: str, shard: Shard) -> ShardOutput:
    """Classify a shard on a worker of a Ray cluster, which keeps the classifier for its next shards."""
    args, classifier = _load_on_worker(options)
    return _predict_shard(shard, args, classifier, lambda rows: None)


@lru_cache(maxsize=1)
def _load_on_worker(options: str) -> tuple[PredictArguments, TextClassifier]:
    args = PredictArguments(**json.loads(options))
    return args, TextClassifier.from_pretrained(args.model, args.revision, args.device)


def _finish(output_dir: Path, shard_format: str, result: PredictResult) -> PredictResult:
    """Collect what became of the shards, and write the manifest and the log of invalid rows once all are there."""
    manifest, entries = _read_manifest(output_dir), _entries(output_dir, shard_format)
    ordered = [entries[number] for number in sorted(entries)]
    for entry in ordered:
        result.rows += entry["rows"]
        result.truncated += entry["truncated"]
        result.invalid += len(entry["invalid_rows"])
        result.label_counts.update(entry["label_counts"])
    if not manifest["complete"] or manifest["shards"] != ordered:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for entry in ordered for row in entry["invalid_rows"]]
        write_text(output_dir / "invalid_rows.jsonl", "".join(lines))
        totals = {"rows": result.rows, "invalid_rows": result.invalid, "truncated": result.truncated}
        summary = {**totals, "label_counts": dict(result.label_counts.most_common()), "provenance": environment()}
        write_json(
            output_dir / MANIFEST, {"request": manifest["request"], "complete": True, **summary, "shards": ordered}
        )
        remove(output_dir / "progress")
    return result
