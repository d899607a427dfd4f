"""`bbc-classifier report`: the report of finished runs, from their records alone, in seconds and without torch."""

from collections.abc import Sequence
from pathlib import Path

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.given_flags import shareable_command
from bbc_classifier.cli.printing import print_comparison, print_written
from bbc_classifier.comparison.report import CONTENTS, write_report
from bbc_classifier.comparison.report_options import ReportArguments
from bbc_classifier.folders import check_output_folder, folder_written_whole


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("report", ReportArguments)
    parser.add_argument(
        "runs", nargs="+", help="Run folders, folders of runs, or comparisons, of several machines too."
    )
    options, extra = parser.parse(argv)
    folder = Path(options.output_dir)
    check_output_folder(folder, overwrite=options.overwrite, kind="results", contents=CONTENTS)
    with folder_written_whole(folder) as beside:
        paths = [Path(path) for path in extra.runs]
        content = write_report(paths, beside, reproduce=shareable_command("report", argv))
    print_comparison(content)
    print_written({name: folder / name for name in sorted(CONTENTS)})
    print(f"Next: open {folder / 'report.html'}")
    return 0
