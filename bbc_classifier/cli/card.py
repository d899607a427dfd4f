"""`bbc-classifier card`: the model card of a finished run, from its record alone."""

from collections.abc import Sequence
from pathlib import Path

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_written
from bbc_classifier.errors import InputError
from bbc_classifier.folders import folder_name
from bbc_classifier.hub.contents import CARD
from bbc_classifier.hub.finished_run import open_finished_run
from bbc_classifier.hub.options import CardFileArguments
from bbc_classifier.hub.publication import NOBODY, card_of_run, refuse_no_id
from bbc_classifier.records import write_text


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("card", CardFileArguments)
    parser.add_argument("run", help="Folder of a finished run.")
    options, extra = parser.parse(argv)
    finished = open_finished_run(extra.run)
    output = Path(options.output) if options.output else finished.folder / CARD
    if output.exists() and not options.overwrite:
        raise InputError(f"--output: '{output}' exists; add --overwrite or choose another file")
    repo_id = options.repo_id or f"{NOBODY}/{folder_name(finished.name)}"
    refuse_no_id(repo_id)
    write_text(output, card_of_run(finished, repo_id, options))
    print_written({"card": output})
    print(f"Next: bbc-classifier push {extra.run} --repo_id owner/name")
    return 0
