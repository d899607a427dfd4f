"""`bbc-classifier compare`: a grid of encoders and poolings, trained, tested against each other, and reported."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.given_flags import shareable_command
from bbc_classifier.cli.printing import print_comparison, print_written
from bbc_classifier.comparison.options import OF_THE_GRID, CompareArguments
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments

FOLDER = "comparison"
HELP: dict[str, str | None] = {
    **dict.fromkeys(OF_THE_GRID),
    "output_dir": f"The comparison's folder; unset, {FOLDER}. The same command goes on in it where it stopped.",
    "overwrite": "Start again where the folder holds another comparison.",
    "seed": "Seed of the first training of each configuration.",
}


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code: 1 where a cell failed."""
    parser = command_parser("compare", CompareArguments, ModelArguments, DataArguments, ClassifierTrainingArguments)
    parser.describe(HELP)
    options, *groups = parser.parse(argv)
    given = {name: value for group in groups for name, value in parser.given_of(group).items()}
    folder = Path(given.pop("output_dir", FOLDER))
    overwrite = bool(given.pop("overwrite", False))

    from bbc_classifier.comparison.shard_lock import shard_held

    with shard_held(folder, *options.shard_of()):
        return _compare(options, given, folder, overwrite=overwrite, reproduce=shareable_command("compare", argv))


def _compare(
    options: CompareArguments, given: Mapping[str, Any], folder: Path, *, overwrite: bool, reproduce: str
) -> int:
    from bbc_classifier.comparison.report import write_report
    from bbc_classifier.comparison.run import run_cells

    cells = run_cells(options, given, folder, overwrite=overwrite)
    for name, reason in cells.not_applicable.items():
        print(f"Not applicable: {name}: {reason}")
    for name, reason in cells.failed.items():
        print(f"Failed: {name}: {reason}")
    if not cells.finished:
        raise InputError("no cell of the grid could be finished; the reasons stand above")
    if options.shard_of()[1] > 1:
        print(f"\nThis shard's cells are finished: {folder / 'runs'}")
        print(f"Next, with the folders of all shards: bbc-classifier report {folder} … --output_dir report")
        return 1 if cells.failed else 0
    content = write_report([folder], folder, reproduce=reproduce)
    print_comparison(content)
    print_written(
        {name: folder / name for name in ("report.html", "report.md", "results.csv", "results.json", "figures")}
    )
    print(f"Next: open {folder / 'report.html'}")
    return 1 if cells.failed else 0
