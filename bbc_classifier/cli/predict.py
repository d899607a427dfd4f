"""`bbc-classifier predict`: labels for texts, for the rows of a file, or for those of many into a folder."""

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.given_flags import flags_of
from bbc_classifier.cli.printing import NO_LABEL, print_answers, print_label_counts, print_written
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.inference.options import PredictArguments

if TYPE_CHECKING:
    from bbc_classifier.inference.bulk.run import Bulk


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("predict", PredictArguments, ColumnArguments)
    parser.add_argument("texts", nargs="*", help="Texts to classify; none reads standard input, a text per line.")
    options, columns, extra = parser.parse(argv)
    # A name without an ending is a folder's.
    into_folder = bool(options.input and options.output and not Path(options.output).suffix)
    if options.engine == "ray" and not into_folder:
        raise InputError("--engine ray answers into a folder: give --input, and --output a name without an ending")
    if not (options.input or options.output):
        return _of_texts(options, extra.texts or _standard_input())
    if extra.texts:
        raise InputError("give texts or --input, not both")
    if into_folder:
        return _in_bulk(options, columns)
    return _of_file(options, columns)


def _of_texts(options: PredictArguments, texts: Sequence[str]) -> int:
    if not texts:
        raise InputError("no text to classify: give texts as arguments, one per line on standard input, or --input")

    from bbc_classifier.inference.open_classifier import open_classifier

    classifier = open_classifier(options.model, revision=options.revision, device=options.device)
    _refuse_blank(texts)
    answers = classifier.predict(texts, top_k=options.top_k, min_confidence=options.min_confidence)
    print_answers(answers, options.format)
    _say_truncated(sum(answer.truncated for answer in answers), len(answers), classifier.config.max_input_tokens)
    return 0


def _of_file(options: PredictArguments, columns: ColumnArguments) -> int:
    from bbc_classifier.inference.files import check_files, predict_file

    check_files(options)

    from bbc_classifier.inference.open_classifier import open_classifier

    classifier = open_classifier(options.model, revision=options.revision, device=options.device)
    answers = predict_file(classifier, options, columns)
    print_label_counts(Counter(label for answer in answers for label in answer.labels or [NO_LABEL]), len(answers))
    print_written({"predictions": Path(str(options.output))})
    again = ["--model", options.model, "--dataset", str(options.input), *flags_of(columns)]
    print(f"Next, if it has labels: {shlex.join(['bbc-classifier', 'evaluate', *again])}")
    _say_truncated(sum(answer.truncated for answer in answers), len(answers), classifier.config.max_input_tokens)
    return 0


def _in_bulk(options: PredictArguments, columns: ColumnArguments) -> int:
    from bbc_classifier.inference.bulk.run import predict_in_bulk

    bulk = predict_in_bulk(options, columns)
    if bulk.summary is None:
        print("This process's share is done; the one that is last writes the summary.")
        return 0
    folder, summary = bulk.folder, bulk.summary
    print_label_counts(summary["labels"], summary["rows"])
    print_written({"answers": folder.shards, "bad rows": folder.bad_rows, "summary": folder.summary})
    if options.shard_format == "parquet" and bulk.alike:
        print(f"Next: python -c \"import pandas; print(pandas.read_parquet('{folder.shards}'))\"")
    if summary["bad_rows"]:
        print(f"Rows that could not be answered: {summary['bad_rows']:,}; why: {folder.bad_rows}", file=sys.stderr)
    _say_truncated(summary["truncated"], summary["rows"], summary["max_input_tokens"])
    _refuse_silence(bulk)
    return 0


def _refuse_silence(bulk: "Bulk") -> None:
    """Let the exit code say that something was left out, where that is more than rows.

    Raises:
        WorldError: A file could not be read, or no row answered.
    """
    summary = bulk.summary or {}
    reasons = list(summary["unreadable_files"].values())
    if reasons:
        files = "a file" if len(reasons) == 1 else f"{len(reasons)} files"
        raise WorldError(f"{files} could not be read, and the others are answered: {reasons[0]}")
    if not summary["rows"]:
        raise WorldError(f"no row could be answered; the reasons: {bulk.folder.bad_rows}")


def _say_truncated(truncated: int, rows: int, most: int | None) -> None:
    if truncated:
        print(f"{truncated:,} of {rows:,} texts were longer than {most} tokens and were cut", file=sys.stderr)


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
