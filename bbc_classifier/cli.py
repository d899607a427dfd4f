"""The command line: the one place that knows argv, exit codes and what is printed."""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bbc_classifier import __version__

if TYPE_CHECKING:
    from bbc_classifier.option_parser import OptionParser

HELP = """usage: bbc-classifier COMMAND [options]

Fine-tune, evaluate and use news-text classifiers.

commands:
  train      fine-tune an encoder, evaluate it, and write a run folder
  evaluate   evaluate a finished classifier again
  predict    classify texts

options:
  --help     this text; after a command, the command's options
  --version  the version
  --debug    show the full traceback of an error

Start with: bbc-classifier train
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 for success, 2 for bad input, 1 for any other failure, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] in ("--help", "-h"):
        print(HELP, end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"bbc-classifier {__version__}")
        return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
        return _fail(f"unknown command '{arguments[0]}'; commands: {', '.join(COMMANDS)}", 2)
    try:
        _quiet_libraries()
        return command(arguments[1:])
    except KeyboardInterrupt:
        return _fail("interrupted; an unfinished run goes on with: bbc-classifier train --resume_from_checkpoint", 130)
    except BrokenPipeError:
        # The reader of a pipe went away; closing quietly is what every filter does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        code = getattr(error, "exit_code", 1)
        hint = "" if code == 2 or hasattr(error, "exit_code") else " (add --debug for the traceback)"
        return _fail(f"{' '.join(str(error).split()) or type(error).__name__}{hint}", code)


def _fail(message: str, code: int) -> int:
    print(f"bbc-classifier: error: {message}", file=sys.stderr)
    return code


def _train(argv: Sequence[str]) -> int:
    from bbc_classifier.data.options import DataArguments
    from bbc_classifier.records import read_json
    from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments

    options = _parser("train", ModelArguments, DataArguments, ClassifierTrainingArguments).parse(argv)

    from bbc_classifier.training.run import train

    started = time.time()
    folder = train(*options)
    if options[2].process_index != 0:
        return 0
    record = read_json(folder.record)
    fresh = folder.record.stat().st_mtime >= started
    print(f"\n{'Finished' if fresh else 'Already finished, with the same options'}: {folder.path}\n")
    _print_evaluation(record["evaluation"]["test"])
    _print_written(
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


def _evaluate(argv: Sequence[str]) -> int:
    from bbc_classifier.data.options import DataArguments
    from bbc_classifier.evaluation.options import EvaluateArguments
    from bbc_classifier.records import read_json

    options = _parser("evaluate", EvaluateArguments, DataArguments).parse(argv)

    from bbc_classifier.evaluation.run import evaluate

    folder = evaluate(*options)
    record = read_json(folder / "evaluation.json")
    print(f"\nEvaluated: {options[0].model}\n")
    _print_evaluation(record["evaluation"]["test"])
    _print_written(
        {
            "record": folder / "evaluation.json",
            "predictions": folder / "predictions",
            "figures": folder / "figures",
        }
    )
    print(f'Next: bbc-classifier predict --model {options[0].model} "Shares fell in early trading."')
    return 0


def _predict(argv: Sequence[str]) -> int:
    import json

    from bbc_classifier.errors import InputError
    from bbc_classifier.inference.options import PredictArguments

    parser = _parser("predict", PredictArguments)
    parser.add_argument("texts", nargs="*", help="Texts to classify; none reads standard input, a text per line.")
    options, extra = parser.parse(argv)
    texts = extra.texts or _standard_input()
    if not texts:
        raise InputError("no text to classify: give texts as arguments, or one per line on standard input")

    from bbc_classifier.inference.classifier import NewsClassifier

    classifier = NewsClassifier.from_pretrained(options.model, revision=options.revision, device=options.device)
    answers = classifier.predict(texts, top_k=options.top_k, min_confidence=options.min_confidence)
    for answer in answers:
        if options.format == "json":
            print(json.dumps({**vars(answer)}))
        else:
            every = "  ".join(f"{name} {share:.3f}" for name, share in answer.probabilities.items())
            print(f"{answer.label:<14} {answer.confidence:.3f}   ({every})")
    truncated = sum(answer.truncated for answer in answers)
    if truncated:
        most = classifier.model.config.max_input_tokens
        print(f"{truncated} of {len(answers)} texts were longer than {most} tokens and were cut", file=sys.stderr)
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"train": _train, "evaluate": _evaluate, "predict": _predict}


def _parser(command: str, *dataclasses: Any) -> "OptionParser":
    from bbc_classifier.option_parser import OptionParser

    return OptionParser(dataclasses, prog=f"bbc-classifier {command}", allow_abbrev=False)


def _standard_input() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        return []
    return [line.strip() for line in sys.stdin if line.strip()]


def _quiet_libraries() -> None:
    """Let our own messages through and hold back the libraries' loading bars and advice."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()


def _print_evaluation(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Test, n = {report['n']}", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, value in report["metrics"].items():
        interval = report["intervals"].get(name)
        table.add_row(
            name.replace("_", " "), f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        )
    classes = Table(box=None, pad_edge=False)
    for column in ("class", "precision", "recall", "f1", "n"):
        classes.add_column(column, justify="left" if column == "class" else "right")
    for name, row in report["per_class"].items():
        classes.add_row(name, *(f"{row[key]:.4f}" for key in ("precision", "recall", "f1")), str(row["support"]))
    console = Console(width=100, highlight=False)
    console.print(table)
    console.print()
    console.print(classes)


def _print_written(paths: dict[str, Path]) -> None:
    print("\nWritten:")
    for name, path in paths.items():
        print(f"  {name:<12} {path}")
