"""`bbc-classifier predict`: labels for texts, or for the rows of a file."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.given_flags import flags_of
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

    from bbc_classifier.inference.open_classifier import open_classifier

    classifier = open_classifier(options.model, revision=options.revision, device=options.device)
    if of_file:
        answers = predict_file(classifier, options, columns)
        print_label_counts(answers)
        print_written({"predictions": Path(options.output)})
        again = ["--model", options.model, "--dataset", options.input, *flags_of(columns)]
        print(f"Next, if it has labels: {shlex.join(['bbc-classifier', 'evaluate', *again])}")
    else:
        _refuse_blank(texts)
        answers = classifier.predict(texts, top_k=options.top_k, min_confidence=options.min_confidence)
        print_answers(answers, options.format)
    truncated = sum(answer.truncated for answer in answers)
    if truncated:
        most = classifier.config.max_input_tokens
        print(f"{truncated} of {len(answers)} texts were longer than {most} tokens and were cut", file=sys.stderr)
    return 0


def _standard_input() -> list[str]:
    """Return the lines that are not blank.

    Raises:
        InputError: They are not UTF-8, whatever encoding the system has.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return []
    lines = []
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8").strip())
        except UnicodeDecodeError as error:
            wrong = f"byte 0x{line[error.start]:02X} at byte {error.start} of the line"
            raise InputError(f"standard input, line {number}: {wrong} is not UTF-8; convert it") from error
    return list(filter(None, lines))


def _refuse_blank(texts: Sequence[str]) -> None:
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise InputError(f"text {number} of {len(texts)} is empty; there is nothing to classify")
