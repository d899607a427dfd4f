"""Shards as tasks of a Ray cluster: each of its processes opens the classifier once, and writes what it answers."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache, partial

from bbc_classifier.data.file_source import given_path
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError
from bbc_classifier.inference.bulk.folder import BulkFolder
from bbc_classifier.inference.bulk.input_files import input_files
from bbc_classifier.inference.bulk.plan import Shard
from bbc_classifier.inference.bulk.shard_answers import ShardAnswers
from bbc_classifier.inference.bulk.share import Share
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.ray_cluster import connect, load_ray, spread


def check_cluster_use(share: Share) -> None:
    """Check that the command can use a cluster, before anything is written.

    Raises:
        InputError: Ray is not installed, or a launcher has started several processes, which would all use it.
    """
    load_ray()
    if share.processes > 1:
        raise InputError(
            "--engine ray: start the command once, without a launcher; the cluster has processes of its own"
        )


def on_cluster(
    options: PredictArguments, columns: ColumnArguments, shards: Sequence[Shard], went_on: Callable[[int], object]
) -> Iterator[Shard]:
    """Answer shards, as many at once as the cluster has room for; yield each once it is written.

    Raises:
        InputError: No machine of the cluster is large enough, or the classifier's outputs are no numbers.
        WorldError: There is no cluster, or a shard cannot be written.
    """
    task = partial(_answer_there, _request(options, columns))
    by_number = {shard.number: shard for shard in shards}
    cpus, gpus = options.cpus_per_task, options.gpus_per_task
    with connect():
        for number, ended in spread(task, by_number, cpus_per_task=cpus, gpus_per_task=gpus):
            if isinstance(ended, Exception):
                raise ended
            went_on(by_number[number].block.rows)
            yield by_number[number]


def _request(options: PredictArguments, columns: ColumnArguments) -> str:
    """Return the options as one text, which a cache can know again."""
    return json.dumps([asdict(options), asdict(columns)], sort_keys=True)


def _answer_there(request: str, number: int) -> None:
    """Answer one shard in a process of the cluster, which may have answered others before."""
    answers, shards = _opened(request)
    answers.answer(shards[number], lambda rows: None)


@lru_cache(maxsize=1)
def _opened(request: str) -> tuple[ShardAnswers, list[Shard]]:
    """Open the classifier and read the plan."""
    options, columns = json.loads(request)
    options, columns = PredictArguments(**options), ColumnArguments(**columns)
    folder = BulkFolder(given_path("--output", str(options.output)), options.shard_format)
    classifier = open_classifier(options.model, revision=options.revision, device=options.device)
    paths = input_files(str(options.input), folder.path)
    return ShardAnswers(classifier, folder, paths, options, columns.delimiter), folder.plan().shards()
