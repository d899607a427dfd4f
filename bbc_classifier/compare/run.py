"""Trains the runs of a comparison: finished ones are skipped, a failed one is reported and the others continue."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from transformers import TrainerCallback

from bbc_classifier import io
from bbc_classifier.compare.grid import Grid, RunSpec
from bbc_classifier.compare.results import COMPARISON, FAILURES
from bbc_classifier.config import RUNTIME_ONLY, CompareArguments, hyperparameters
from bbc_classifier.data.loading import LoadedData, load_splits
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.baselines import run_baseline
from bbc_classifier.evaluation.evaluate import write_predictions
from bbc_classifier.provenance import environment, record_header, without_local_paths
from bbc_classifier.ray_tasks import run_on_ray
from bbc_classifier.training.run_dir import first_difference
from bbc_classifier.training.train import train
from bbc_classifier.training.trainer import TimeEstimate

DEFAULT_DIRECTORY = "comparison"
MAX_TITLE = 100
# Options that say where and when runs are trained, not what they are: a later call may change them.
OF_ONE_CALL = {"shard", "engine", "cpus_per_worker", "gpus_per_worker"}

logger = logging.getLogger(__name__)


class CompareOutcome(NamedTuple):
    """Outcome of one call of `compare`."""

    path: Path  # the directory of the comparison
    num_finished: int  # runs of this shard, baselines included
    failed: dict[str, str]  # reason by the name of the run
    not_applicable: dict[str, str]  # reason by the name of the combination of encoder and pooling


def compare(args: CompareArguments, given: Mapping[str, Any] | None = None) -> CompareOutcome:
    """Train every run of a grid, or of one shard of it, that is not finished, and the baselines on the same splits.

    `given` are options of `train` for every run, by name; the directory is `output_dir`, and one that holds the same
    comparison is resumed.
    """
    given = {name: value for name, value in (given or {}).items() if value not in (None, {})}
    path = Path(given.get("output_dir", DEFAULT_DIRECTORY))
    if given.get("overwrite") and args.shard != "1/1":
        raise UserError("--overwrite would remove the runs of other shards; remove the directory yourself")
    index, count = map(int, args.shard.split("/"))
    with io.directory_lock(path if count == 1 else path.with_name(f"{path.name}-shard{index}-of-{count}"), "comparing"):
        grid = Grid(args, given)
        _open_directory(path, grid)
        runs = grid.runs[index - 1 :: count]
        failed = _train_missing(runs, grid, path)
    return CompareOutcome(path, len(runs) - len(failed), failed, grid.not_applicable)


def _open_directory(path: Path, grid: Grid) -> None:
    """Create the directory of a comparison, with the first line of every text, or check that it holds this one."""
    shared = {name: value for name, value in asdict(grid.args).items() if name not in OF_ONE_CALL}
    given = {name: value for name, value in grid.given.items() if name not in RUNTIME_ONLY}
    data_args = grid.arguments(grid.runs[0], path)[1]
    data = load_splits(replace(data_args, max_train_samples=None, max_eval_samples=None))
    identity = {"identity": data.info["identity"]}
    options = json.loads(json.dumps({"compare": shared, "train": given, "data": identity}))
    marker, is_replaced = path / COMPARISON, bool(grid.given.get("overwrite"))
    if marker.is_file() and not is_replaced:
        difference = first_difference(io.read_json(marker)["options"], options)
        if difference is None:
            return
        raise UserError(
            f"--output_dir: '{path}' holds a comparison with other options ({difference}); add --overwrite to replace "
            "it, or choose another --output_dir"
        )
    io.prepare_output_dir("--output_dir", path, overwrite=True, marker=COMPARISON)
    if data.multi_label:
        raise UserError("compare needs one label per text; the texts of this data set can have any number of labels")
    if not len(data.dataset["test"]):
        raise UserError("compare needs test rows: set --folds, or a --test_fraction above 0")
    for name in ("runs", FAILURES, "figures", "results.json", "results.csv", "report.md", "report.html"):
        if is_replaced:
            io.remove(path / name)
    rows = (row for split in data.dataset.values() for row in zip(split["row_id"], split["text"], strict=True))
    titles = {row_id: text.strip().partition("\n")[0][:MAX_TITLE] for row_id, text in rows}
    io.write_json(marker, {"options": options, "not_applicable": grid.not_applicable, "titles": titles})


def _train_missing(runs: Sequence[RunSpec], grid: Grid, path: Path) -> dict[str, str]:
    """Train the runs that are not finished, report progress, and return the reason of each failure by name."""
    missing = [run for run in runs if not (path / "runs" / run.name / "record.json").is_file()]
    logger.info("%d of %d runs are finished; training %d", len(runs) - len(missing), len(runs), len(missing))
    # Splits that later runs of this process use again: it saves time only.
    function, args = partial(_try_run, grid, path / "runs", {}), grid.args
    if args.engine == "ray":
        outcomes = run_on_ray(function, missing, args.cpus_per_worker, args.gpus_per_worker)
    else:
        estimate = TimeEstimate(sum(run.encoder is not None for run in missing))
        first = next((run for run in missing if run.encoder), None)
        outcomes = (function(run, callbacks=[estimate] if run is first else []) for run in missing)
    failed, started = {}, time.perf_counter()
    for number, (run, reason) in enumerate(outcomes, 1):
        if reason:
            failed[run.name] = reason
            io.write_text(path / FAILURES / f"{run.name}.txt", reason)
            logger.warning("%s failed: %s", run.name, reason)
        minutes = (time.perf_counter() - started) / number * (len(missing) - number) / 60
        logger.info("%d of %d: %s; about %.0f min left", number, len(missing), run.name, minutes)
    return failed


def _try_run(
    grid: Grid, runs_dir: Path, splits: dict[Any, Any], run: RunSpec, callbacks: Sequence[TrainerCallback] = ()
) -> tuple[RunSpec, str]:
    """Train or resume one run and return it with the reason why it failed, or ""; a full disk is raised."""
    if run.encoder in grid.unavailable:
        return run, grid.unavailable[run.encoder]
    logger.info("training %s", run.name)
    try:
        model_args, data_args, training_args = grid.arguments(run, runs_dir)
        data = splits.get((run.fold, run.train_size)) or load_splits(data_args)
        splits[run.fold, run.train_size] = data
        if run.encoder is None:
            _run_baseline(run, data, hyperparameters(model_args, data_args, training_args)["data"], runs_dir)
        else:
            train(model_args, data_args, training_args, dataset=data, callbacks=callbacks)
    except Exception as error:
        if io.is_disk_full(error):
            raise
        logger.debug("%s failed", run.name, exc_info=True)
        return run, " ".join(str(error).split()) or type(error).__name__
    return run, ""


def _run_baseline(run: RunSpec, data: LoadedData, options: dict[str, Any], runs_dir: Path) -> None:
    """Fit and evaluate a baseline and write its record and predictions."""
    result = run_baseline(run.config, data, use_validation=run.train_size is None)
    record = {
        **record_header(),
        "baseline": run.config,
        "options": without_local_paths({"data": options}),
        "data": data.info,
        "evaluation": {"test": result.report},
        "seconds": {"train": round(result.seconds, 2)},
        "provenance": environment(),
    }
    with io.atomic_write(runs_dir / run.name) as tmp_path:
        test, path = data.dataset["test"], tmp_path / "predictions" / "test.parquet"
        y_true, outputs = np.asarray(test["label"][:]), (result.predictions, result.probabilities)
        write_predictions(path, test["row_id"][:], y_true, *outputs, data.label_names)
        io.write_json(tmp_path / "record.json", record)
