"""`bbc-classifier evaluate`: a classifier on the rows it was not trained on, or on any other."""

from collections.abc import Sequence

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_evaluation, print_written
from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.records import read_json


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("evaluate", EvaluateArguments, DataArguments)
    options, data = parser.parse(argv)

    from bbc_classifier.evaluation.run import evaluate

    folder = evaluate(options, parser.given_of(data))
    record = read_json(folder / "evaluation.json")
    print(f"\nEvaluated: {options.model} on {record['data']['name']}\n")
    print_evaluation(record["evaluation"]["test"])
    print_written(
        {
            "record": folder / "evaluation.json",
            "predictions": folder / "predictions",
            "figures": folder / "figures",
        }
    )
    print(f'Next: bbc-classifier predict --model {options.model} "Shares fell in early trading."')
    return 0
