"""`bbc-classifier push`: finished runs become repositories of the Hub, each in one commit."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_pairs, print_published, print_written
from bbc_classifier.folders import check_output_folder, folder_written_whole
from bbc_classifier.hub.contents import sizes, write_contents
from bbc_classifier.hub.finished_run import open_finished_run
from bbc_classifier.hub.options import PushArguments
from bbc_classifier.hub.publication import (
    Publication,
    account,
    check,
    prepare,
    publish,
    publish_collection,
    repo_ids,
)


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("push", PushArguments)
    parser.add_argument("runs", nargs="+", help="Folders of finished runs.")
    options, extra = parser.parse(argv)
    finished = [open_finished_run(path) for path in extra.runs]
    owner = None if options.dry_run else account(options)
    # Everything is checked of every run before anything leaves this machine.
    ids = repo_ids(finished, options, owner.name if owner else None)
    publications = [prepare(each, repo_id, options) for each, repo_id in zip(finished, ids, strict=True)]

    from bbc_classifier.hub.load_check import check_it_loads

    for publication in publications:
        check_it_loads(publication.run, publication.files)
        _print_files(publication)
    if owner is None:
        return _write(publications, options)
    return _upload(publications, options, owner.api)


def _write(publications: Sequence[Publication], options: PushArguments) -> int:
    folders = {each.repo_id: Path(options.output_dir) / each.repo_id.rpartition("/")[2] for each in publications}
    for each in publications:
        kind, contents = "record", {path.partition("/")[0] for path in each.files}
        check_output_folder(folders[each.repo_id], overwrite=options.overwrite, kind=kind, contents=contents)
    for each in publications:
        with folder_written_whole(folders[each.repo_id]) as beside:
            write_contents(each.files, beside)
    print_written(folders)
    print("Next: read README.md in there, then run the command again without --dry_run")
    return 0


def _upload(publications: Sequence[Publication], options: PushArguments, api: HfApi) -> int:
    states = [check(each, options, api) for each in publications]
    for each, state in zip(publications, states, strict=True):
        print_published(each.repo_id, publish(each, options, api, state))
    if options.namespace and options.collection:
        print(f"Collection: {publish_collection(publications, options, api)}")
    return 0


def _print_files(publication: Publication) -> None:
    print(f"\n{publication.repo_id}:")
    print_pairs([(path, _readable(size)) for path, size in sizes(publication.files)])


def _readable(size: int) -> str:
    """Return bytes as a person reads them."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"
