"""The command line: the one place that knows argv, exit codes and what is printed."""

import importlib
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from bbc_classifier import __version__
from bbc_classifier.errors import InputError, Interrupted, WorldError
from bbc_classifier.full_disk import means_full
from bbc_classifier.memory import means_out_of_memory

HELP = """usage: bbc-classifier COMMAND [options]

Fine-tune, evaluate and use news-text classifiers.

commands:
  audit      say what is in a data set: lengths, duplicates, leaks
  train      fine-tune an encoder, evaluate it, and write a run folder
  evaluate   evaluate a finished classifier again, or on other data
  predict    classify texts, or the rows of a file
  export     write a classifier as a stock Transformers class or as ONNX
  compare    train a grid of encoders and poolings, and test them against each other
  report     rebuild a comparison's report from its runs, of several machines too
  card       write the model card of a finished run
  push       publish finished runs on the Hugging Face Hub

options:
  --help     this text; after a command, the command's options
  --version  the version
  --debug    show the full traceback of an error

Start with: bbc-classifier train
"""


# Each command is a module here with the function `run`; it is imported when the command is called.
COMMANDS = ("train", "evaluate", "predict", "export", "audit", "compare", "report", "card", "push")


# What an interrupted command goes on with.
GOES_ON = {
    "train": "; an unfinished run goes on with: bbc-classifier train --resume_from_checkpoint",
    "compare": "; the same command goes on where it stopped",
}


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
    if arguments[0] not in COMMANDS:
        return _fail(f"unknown command '{arguments[0]}'; commands: {', '.join(COMMANDS)}", 2)
    try:
        _heed_termination()
        _speak_unicode()
        _quiet_libraries()
        code = importlib.import_module(f"bbc_classifier.cli.{arguments[0]}").run(arguments[1:])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        code = error.exit_code if isinstance(error, Interrupted) else 130
        return _fail(f"{str(error) or 'interrupted'}{GOES_ON.get(arguments[0], '')}", code)
    except BrokenPipeError:
        # The reader of a pipe went away; closing quietly is what every filter does.
        _drop_output()
        return 1
    except Exception as error:
        if debug:
            raise
        code = getattr(error, "exit_code", 1)
        hint = "" if code == 2 or hasattr(error, "exit_code") else " (add --debug for the traceback)"
        return _fail(f"{_said(error)}{hint}", code)


def _said(error: Exception) -> str:
    """Return what an error says, in one line; of those that are not ours, what it means where that is known."""
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, (InputError, WorldError)):
        return said
    if means_out_of_memory(error):
        return f"out of memory: end other programs, or give less at once ({said})"
    return f"no space is left on the disk ({said})" if means_full(error) else said


def _fail(message: str, code: int) -> int:
    print(f"bbc-classifier: error: {message}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        # What cannot be printed, as onto a full disk, must not raise once more when the interpreter ends.
        _drop_output()
    return code


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _heed_termination() -> None:
    """Take SIGTERM as an interruption: what is half-written is cleared away, and a person is told how to go on."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted("terminated", 128 + number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


def _speak_unicode() -> None:
    """Let labels of any script through, also where the system's own encoding is a narrow one, as in a Windows pipe."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _quiet_libraries() -> None:
    """Let our own messages through and hold back the libraries' loading bars and advice."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import datasets
    import huggingface_hub
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    huggingface_hub.logging.set_verbosity_error()
    # It logs, as an error, what it then raises.
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    datasets.disable_progress_bars()
