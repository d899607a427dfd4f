"""`bbc-classifier train`: options in, finished run folder out."""

import time
from collections.abc import Sequence

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_evaluation, print_written
from bbc_classifier.data.options import DataArguments
from bbc_classifier.records import read_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    options = command_parser("train", ModelArguments, DataArguments, ClassifierTrainingArguments).parse(argv)

    from bbc_classifier.training.run import train

    started = time.time()
    folder = train(*options)
    if options[2].process_index != 0:
        return 0
    record = read_json(folder.record)
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
    print(f'Next: bbc-classifier predict --model {folder.path} "Shares fell in early trading."')
    return 0
