"""Trains the runs of a comparison: finished ones are skipped, a failed one is reported and the others continue."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.compare.grid import Grid, RunSpec
from bbc_classifier.compare.results import COMPARISON, FAILURES
from bbc_classifier.config import RUNTIME_ONLY, CompareArguments, hyperparameters
from bbc_classifier.data.loading import LoadedData, load_splits
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.baselines import run_baseline
from bbc_classifier.evaluation.evaluate import write_predictions
from bbc_classifier.io import (
    atomic_write,
    directory_lock,
    is_disk_full,
    prepare_output_dir,
    read_json,
    remove,
    write_json,
)
from bbc_classifier.provenance import environment, without_local_paths
from bbc_classifier.ray_tasks import run_on_ray
from bbc_classifier.training.run_dir import first_difference
from bbc_classifier.training.train import train

DEFAULT_DIRECTORY = "comparison"
MAX_TITLE = 100
# Options that say where and when runs are trained, not what they are: a later call may change them.
OF_ONE_CALL = {"shard", "engine", "cpus_per_worker", "gpus_per_worker"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompareOutcome:
    """Outcome of one call of `compare`.

    Attributes:
        path: Directory of the comparison; `compare.report.write_report` writes the report there.
        num_finished: Finished runs of this shard, baselines included.
        failed: Reason by the name of each run that failed.
        not_applicable: Reason by the name of each unsupported combination of encoder and pooling.
    """

    path: Path
    num_finished: int
    failed: dict[str, str]
    not_applicable: dict[str, str]


def compare(
    args: CompareArguments,
    given: Mapping[str, Any] | None = None,
    *,
    trainer_kwargs: Mapping[str, Any] | None = None,
    dataset: Any = None,
) -> CompareOutcome:
    """Train every run of a grid, or of one shard of it, that is not finished, and the baselines on the same splits.

    Args:
        args: The grid.
        given: Options of `train` for every run, by name: fields of `ModelArguments`, `DataArguments` and
            `TrainArguments`. The directory is `output_dir`; one that holds the same comparison is resumed.
        trainer_kwargs: More fields of `transformers.TrainingArguments`.
        dataset: Data in memory, as `train` takes it.

    Raises:
        UserError: An option is not valid, the directory holds something else, or texts can have several labels.
        EnvironmentFailure: No encoder can be loaded, or the disk is full.
    """
    given = {name: value for name, value in (given or {}).items() if value is not None}
    path = Path(given.get("output_dir", DEFAULT_DIRECTORY))
    index, count = map(int, args.shard.split("/"))
    with directory_lock(path if count == 1 else path.with_name(f"{path.name}-shard{index}-of-{count}"), "comparing"):
        grid = Grid(args, given, trainer_kwargs or {})
        _open_directory(path, grid, dataset)
        runs = grid.runs[index - 1 :: count]
        failed = _train_missing(runs, grid, path / "runs", dataset)
        failures = path / FAILURES
        of_other_shards = read_json(failures) if failures.is_file() else {}
        names = {run.name for run in runs}
        kept = {name: reason for name, reason in of_other_shards.items() if name not in names}
        write_json(failures, kept | failed)
    return CompareOutcome(path, len(runs) - len(failed), failed, grid.not_applicable)


def _open_directory(path: Path, grid: Grid, dataset: Any) -> None:
    """Create the directory of a comparison, or check that it holds this one.

    Raises:
        UserError: It holds a comparison with other options, or something else.
    """
    shared = {name: value for name, value in asdict(grid.args).items() if name not in OF_ONE_CALL}
    given = {name: value for name, value in grid.given.items() if name not in RUNTIME_ONLY}
    options = json.loads(json.dumps({"compare": shared, "train": {**given, **grid.trainer_kwargs}}))
    marker = path / COMPARISON
    has_other = marker.is_file()
    if has_other:
        difference = first_difference(read_json(marker)["options"], options)
        if difference is None:
            return
        if not grid.given.get("overwrite"):
            raise UserError(
                f"--output_dir: '{path}' holds a comparison with other options ({difference}); add --overwrite to "
                "replace it, or choose another --output_dir"
            )
    prepare_output_dir("--output_dir", path, overwrite=True, marker=COMPARISON)
    data_args = grid.arguments(grid.runs[0], path)[1]
    data = load_splits(replace(data_args, max_train_samples=None, max_eval_samples=None), dataset)
    if data.multi_label:
        raise UserError("compare needs one label per text; the texts of this data set can have any number of labels")
    if has_other:
        remove(path)
    content = {"options": options, "not_applicable": grid.not_applicable, "titles": _titles(data)}
    write_json(marker, content)


def _titles(data: LoadedData) -> dict[str, str]:
    """Return the first line of every text by row id, for the hardest examples of the report."""
    rows = (row for split in data.dataset.values() for row in zip(split["row_id"], split["text"], strict=True))
    return {row_id: text.strip().partition("\n")[0][:MAX_TITLE] for row_id, text in rows}


def _train_missing(runs: Sequence[RunSpec], grid: Grid, runs_dir: Path, dataset: Any) -> dict[str, str]:
    """Train the runs that are not finished, report progress, and return the reason of each failure by name.

    Raises:
        EnvironmentFailure: The disk is full, or the Ray cluster failed.
    """
    missing = [run for run in runs if not (runs_dir / run.name / "record.json").is_file()]
    failed = {run.name: grid.unavailable[run.encoder] for run in missing if run.encoder in grid.unavailable}
    tried = [run for run in missing if run.name not in failed]
    trainings = sum(run.encoder is not None for run in tried)
    logger.info("%d of %d runs are finished; training %d", len(runs) - len(missing), len(runs), len(tried))
    # Filled by runs and used by later ones of this process; it only saves time.
    shared: dict[str, Any] = {"embeddings": {}, "split": None, "data": None}
    function, args = partial(_try_run, grid, runs_dir, dataset, shared), grid.args
    if args.engine == "ray":
        outcomes = run_on_ray(function, tried, args.cpus_per_worker, args.gpus_per_worker)
    else:
        outcomes = map(function, tried)
    started, trained = time.perf_counter(), 0
    for number, (run, reason) in enumerate(outcomes, 1):
        if reason is not None:
            failed[run.name] = reason
            logger.warning("%s failed: %s", run.name, reason)
        trained += run.encoder is not None
        minutes = (time.perf_counter() - started) / max(1, trained) * (trainings - trained) / 60
        left = f"; about {max(1, round(minutes))} min left" if 0 < trained < trainings else ""
        logger.info("%d of %d: %s%s", number, len(tried), run.name, left)
    return failed


def _try_run(
    grid: Grid, runs_dir: Path, dataset: Any, shared: dict[str, Any], run: RunSpec
) -> tuple[RunSpec, str | None]:
    """Train one run and return it with the reason why it failed, or None.

    Raises:
        Exception: The disk is full, so that the other runs would fail too.
    """
    logger.info("training %s", run.name)
    try:
        _run(grid, runs_dir, dataset, shared, run)
    except Exception as error:
        if is_disk_full(error):
            raise
        logger.debug("%s failed", run.name, exc_info=True)
        return run, " ".join(str(error).split()) or type(error).__name__
    return run, None


def _run(grid: Grid, runs_dir: Path, dataset: Any, shared: dict[str, Any], run: RunSpec) -> None:
    """Train one run, or resume it where an earlier call stopped."""
    model, data, training = grid.arguments(run, runs_dir)
    if run.encoder is not None:
        train(model, data, training, dataset=dataset, cache=shared["embeddings"])
        return
    if shared["split"] != (run.fold, run.train_size):
        shared |= {"split": (run.fold, run.train_size), "data": load_splits(data, dataset)}
    loaded: LoadedData = shared["data"]
    result = run_baseline(run.config, loaded, use_validation=run.train_size is None)
    record = {
        "schema": 2,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "baseline": run.config,
        "options": without_local_paths({"data": hyperparameters(model, data, training)["data"]}),
        "data": loaded.info,
        "evaluation": {"test": result.report},
        "seconds": {"train": round(result.seconds, 2)},
        "provenance": environment(),
    }
    with atomic_write(runs_dir / run.name) as tmp_path:
        test = loaded.dataset["test"]
        write_predictions(
            tmp_path / "predictions" / "test.parquet",
            test["row_id"][:],
            np.asarray(test["label"][:]),
            result.predictions,
            result.probabilities,
            loaded.label_names,
        )
        write_json(tmp_path / "record.json", record)
