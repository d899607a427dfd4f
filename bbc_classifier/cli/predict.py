"""`bbc-classifier predict`: labels for texts, or for the rows of a file."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_answers, print_label_counts, print_written
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError
from bbc_classifier.inference.options import PredictArguments


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from bbc_classifier.inference.files import check_files, predict_file

    parser = command_parser("predict", PredictArguments, ColumnArguments)
    parser.add_argument("texts", nargs="*", help="Texts to classify; none reads standard input, a text per line.")
    options, columns, extra = parser.parse(argv)
    of_file = bool(options.input or options.output)
    if of_file:
        if extra.texts:
            raise InputError("give texts or --input, not both")
        check_files(options)
    texts = [] if of_file else extra.texts or _standard_input()
    if not of_file and not texts:
        raise InputError("no text to classify: give texts as arguments, one per line on standard input, or --input")

    from bbc_classifier.inference.classifier import NewsClassifier

    classifier = NewsClassifier.from_pretrained(options.model, revision=options.revision, device=options.device)
    if of_file:
        answers = predict_file(classifier, options, columns)
        print_label_counts(answers)
        print_written({"predictions": Path(options.output)})
        print(f"Next: bbc-classifier evaluate --model {options.model} --dataset {options.input}, if it has labels")
    else:
        answers = classifier.predict(texts, top_k=options.top_k, min_confidence=options.min_confidence)
        print_answers(answers, options.format)
    truncated = sum(answer.truncated for answer in answers)
    if truncated:
        most = classifier.model.config.max_input_tokens
        print(f"{truncated} of {len(answers)} texts were longer than {most} tokens and were cut", file=sys.stderr)
    return 0


def _standard_input() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        return []
    return [line.strip() for line in sys.stdin if line.strip()]
