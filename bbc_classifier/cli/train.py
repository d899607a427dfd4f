"""`bbc-classifier train`: options in, finished run folder out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import EVALUATION, print_evaluation, print_published, print_written
from bbc_classifier.data.options import DataArguments
from bbc_classifier.hub.finished_run import open_finished_run
from bbc_classifier.hub.options import PushArguments
from bbc_classifier.hub.publication import account, publish_run, refuse_unknown_terms, repo_ids, repository_name
from bbc_classifier.option_parser import Preset
from bbc_classifier.records import read_json
from bbc_classifier.shapes import refuse_other_shape
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.recipe import recipe_file, recipe_name

if TYPE_CHECKING:
    from bbc_classifier.training.run_folder import RunFolder


def _choose(given: Mapping[str, str]) -> tuple[str, Path]:
    name = recipe_name(given.get("recipe"), given.get("encoder", ModelArguments.encoder))
    return name, recipe_file(name)


RECIPE = Preset(option="recipe", depends_on=("recipe", "encoder"), choose=_choose)


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    groups = (ModelArguments, DataArguments, ClassifierTrainingArguments)
    model, data, arguments = command_parser("train", *groups, preset=RECIPE).parse(argv)
    is_first = arguments.process_index == 0
    publish = _publisher(data, arguments) if arguments.push_to_hub and is_first else None

    from bbc_classifier.training.run import train

    started = time.time()
    folder = train(model, data, arguments)
    if not is_first:
        return 0
    _print_run(folder, started)
    if publish is None:
        print(f'Next: bbc-classifier predict --model {folder.path} "Shares fell in early trading."')
    else:
        publish(folder.path)
    return 0


def _print_run(folder: "RunFolder", started: float) -> None:
    record = read_json(folder.record)
    refuse_other_shape(f"'{folder.record}'", record, {"evaluation": {"test": EVALUATION}})
    fresh = folder.record.stat().st_mtime >= started
    print(f"\n{'Finished' if fresh else 'Already finished, with the same options'}: {folder.path}\n")
    print_evaluation(record["evaluation"]["test"])
    print_written(
        {
            "classifier": folder.model,
            "record": folder.record,
            "predictions": folder.path / "predictions",
            "history": folder.history,
            "figures": folder.figures,
        }
    )


def _publisher(data: DataArguments, arguments: ClassifierTrainingArguments) -> Callable[[Path], None]:
    """Return what publishes the finished run, once all is checked that can be: before anything is trained.

    Raises:
        InputError: There is no token, it is not accepted or may only read, the name is none, or the data are of unknown
            terms.
        WorldError: The Hub cannot be reached.
    """
    from bbc_classifier.data.source import open_source

    refuse_unknown_terms(arguments.hub_license, open_source(data).provenance(), "--hub_license")
    options = PushArguments(
        license=arguments.hub_license,
        repo_id=arguments.hub_model_id or "the-name-of-the-run",
        private=bool(arguments.hub_private_repo),
        revision=arguments.hub_revision,
        token=arguments.hub_token,
        overwrite=arguments.overwrite,
    )
    owner = account(options)
    repo_ids([], options, owner.name)

    def publish(folder: Path) -> None:
        run = open_finished_run(str(folder))
        repo_id = arguments.hub_model_id or repository_name(run)
        print_published(*publish_run(run, replace(options, repo_id=repo_id), owner))

    return publish
