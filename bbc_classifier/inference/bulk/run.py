"""Bulk prediction from options to a finished folder, by one process, by several, or by those of a Ray cluster."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from bbc_classifier.data.file_source import given_path, named_paths
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.device import device_type
from bbc_classifier.errors import InputError, Interrupted
from bbc_classifier.folder_lock import locked, parts_at_work, taken
from bbc_classifier.inference.answer_columns import answer_names
from bbc_classifier.inference.bulk.folder import BulkFolder
from bbc_classifier.inference.bulk.input_files import input_files
from bbc_classifier.inference.bulk.plan import SOURCE_COLUMNS, Plan, Planner, Shard, changed
from bbc_classifier.inference.bulk.ray_engine import check_cluster_use, on_cluster
from bbc_classifier.inference.bulk.request import request
from bbc_classifier.inference.bulk.shard_answers import ShardAnswers
from bbc_classifier.inference.bulk.share import Share
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.provenance import without_folders

FLAG = "--output"
# How often a person at a terminal, and how often a log file, hears how far it is.
SECONDS_BETWEEN = {True: 0.5, False: 30.0}

# From shards, and what is told of how many rows more are done, to each shard once it is written.
Engine = Callable[[list[Shard], Callable[[int], object]], Iterator[Shard]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bulk:
    """What became of one call.

    Attributes:
        folder: Where the answers are.
        summary: What it all came to; None while other processes still have shards to answer.
        alike: Whether all shards have the same columns, so that they can be read as one table.
    """

    folder: BulkFolder
    summary: dict[str, Any] | None
    alike: bool


def predict_in_bulk(options: PredictArguments, columns: ColumnArguments) -> Bulk:
    """Answer the rows of every file that `--input` names into the folder `--output`.

    The same call goes on where an earlier one stopped. Under a launcher each process answers its share of the shards,
    and the one that is last writes the summary; they need nothing of each other but the folder.

    Raises:
        InputError: No file can be read, the folder holds something else, or another process is at work in it.
        WorldError: A file cannot be read or written, or the Hub not be reached.
        Interrupted: A signal came; what is done stays.
    """
    output = given_path(FLAG, str(options.output))
    share, folder = Share.of_environment(), BulkFolder(output, options.shard_format)
    if options.spreadsheet_safe and options.shard_format != "csv":
        raise InputError(f"--spreadsheet_safe is for --shard_format csv, not {options.shard_format}")
    if options.engine == "ray":
        check_cluster_use(share)
    with locked(output, "predicting", part=f"process-{share.rank}-of-{share.processes}", flag=FLAG):
        paths = input_files(str(options.input), output)
        device = share.device(options.device, device_type())
        classifier = open_classifier(options.model, revision=options.revision, device=device)
        with locked(output, "predicting", part="plan", wait_seconds=-1, flag=FLAG):
            _refuse_other_shares(output, share)
            plan = _plan(folder, options, columns, paths, classifier)
        if not folder.is_finished:
            answers = ShardAnswers(classifier, folder, paths, options, columns.delimiter)
            engine = partial(on_cluster, options, columns) if options.engine == "ray" else answers.one_by_one
            _answer(engine, folder, plan.shards(), share)
        with locked(output, "predicting", part="plan", wait_seconds=-1, flag=FLAG):
            return Bulk(
                folder, _summary(folder, plan, paths, options.model, classifier), plan.alike(options.keep_columns)
            )


def _plan(
    folder: BulkFolder,
    options: PredictArguments,
    columns: ColumnArguments,
    paths: list[Path],
    classifier: TextClassifier,
) -> Plan:
    """Return the plan that the folder has, or make one.

    Raises:
        InputError: The folder holds something else, no file can be read, or one has changed.
    """
    asked = request(options, columns, paths, classifier)
    added = [*SOURCE_COLUMNS, *answer_names(classifier.label_names)]
    planner = Planner(columns, options.shard_rows, options.keep_columns, added)
    if folder.holds(asked):
        plan = folder.plan()
        other = planner.changed_since(plan, paths)
        if other is None:
            folder.reopen_unless_whole(plan)
            return plan
        if not options.overwrite:
            raise changed(other)
    folder.check(asked, overwrite=options.overwrite)
    plan = planner.plan(paths)
    logger.info(
        "rows: %s, files: %s, shards: %s", *(f"{n:,}" for n in (plan.rows, len(plan.files), len(plan.shards())))
    )
    folder.start(asked, plan)
    return plan


def _refuse_other_shares(output: Path, share: Share) -> None:
    """Check that no process is at work in the folder of which there are more, or fewer, than of this one.

    Raises:
        InputError: One is; it would answer the same shards at the same time.
    """
    if parts_at_work(output, rf"process-\d+-of-(?!{share.processes}\b)\d+"):
        raise taken(output, "predicting", FLAG)


def _answer(engine: Engine, folder: BulkFolder, every: list[Shard], share: Share) -> None:
    """Answer the shards of this process that are not done yet.

    Raises:
        Interrupted: A signal came.
    """
    shards = share.of(every)
    left = [shard for shard in shards if not folder.is_done(shard.number)]
    rows, rows_left = (sum(shard.block.rows for shard in some) for some in (shards, left))
    done = len(shards) - len(left)
    with _progress_bar(rows, rows - rows_left, share) as bar:
        try:
            for _ in engine(left, bar.update):
                done += 1
        except KeyboardInterrupt as error:
            code = error.exit_code if isinstance(error, Interrupted) else 130
            whole = f"stopped with {done} of {len(shards)} shards whole"
            raise Interrupted(f"{whole}; the same command goes on", code) from error


def _progress_bar(rows: int, done: int, share: Share) -> tqdm:
    """Return a bar that shows rate and time left, seldom where nobody watches; of several processes the first's."""
    what = "predicting" if share.processes == 1 else f"predicting, process 1 of {share.processes}"
    seldom = SECONDS_BETWEEN[sys.stderr.isatty()]
    hidden = share.rank > 0
    return tqdm(total=rows, initial=done, desc=what, unit="row", mininterval=seldom, dynamic_ncols=True, disable=hidden)


def _summary(
    folder: BulkFolder, plan: Plan, paths: list[Path], model: str, classifier: TextClassifier
) -> dict[str, Any] | None:
    """Return the summary, and write it if this process is the last.

    Raises:
        InputError: A file has changed while its rows were answered.
        WorldError: A file is gone, or the summary cannot be written.
    """
    if folder.is_finished:
        return folder.finished()
    if all(folder.is_done(shard.number) for shard in plan.shards()):
        by_name = named_paths(paths)
        for file in plan.files:
            file.refuse_changed(by_name[file.name])
        most = classifier.config.max_input_tokens
        return folder.finish(plan, {"model": without_folders(model), "max_input_tokens": most})
    return None
