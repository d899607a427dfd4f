"""The command line: options in, one function of the package called, what it wrote and what to do next printed."""

import argparse
import dataclasses
import difflib
import json
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from bbc_classifier import __version__, config
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.io import is_disk_full, read_json

if TYPE_CHECKING:
    from bbc_classifier.inference.classifier import Prediction

RESUME_HINTS = {
    "train": "; resume with: bbc-classifier train --resume_from_checkpoint and the same options",
    "compare": "; the same command resumes it",
    "predict": "; with --output_dir the same command resumes it",
}
MAX_CLASSES_SHOWN = 30


class Command(NamedTuple):
    """A subcommand: dataclasses of its options, what it calls, and (name, nargs, help) of positional arguments."""

    help: str
    groups: tuple[type, ...]
    run: Callable[["Options"], int]
    positional: tuple[str, str | None, str] | None = None
    hidden: frozenset[str] = frozenset()  # options of a shared dataclass that mean nothing here


class Options(NamedTuple):
    """Parsed options: one instance per dataclass, what the user set, and positional arguments."""

    groups: tuple[Any, ...]
    given: dict[str, Any]
    positional: list[str]
    argv: list[str]

    def given_of(self, *groups: type) -> dict[str, Any]:
        """Return what the user set of these dataclasses, without defaults."""
        names = {entry.name for group in groups for entry in dataclasses.fields(group)}
        return {name: value for name, value in self.given.items() if name in names}


class OptionParser(argparse.ArgumentParser):
    """Flags from dataclasses. An error is one sentence and a suggestion, not the usage."""

    def __init__(self, name: str, command: Command, *, show_all: bool = False):
        positional = f" [{command.positional[0].upper()} …]" if command.positional else ""
        super().__init__(
            prog=f"bbc-classifier {name}",
            usage=f"bbc-classifier {name}{positional} [--option value …]",
            description=command.help,
            allow_abbrev=False,
            add_help=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=terminal_width()),
        )
        self.groups = command.groups
        if command.positional:
            self.add_argument(command.positional[0], nargs=command.positional[1], help=command.positional[2])
        seen: set[str] = set()
        for group in command.groups:
            section = self.add_argument_group((group.__doc__ or "").strip())
            for entry in dataclasses.fields(group):
                if entry.name not in seen and "help" in entry.metadata:
                    seen.add(entry.name)
                    shown = (show_all or entry.metadata["common"]) and entry.name not in command.hidden
                    _add_flag(section, entry, shown=shown)
        section = self.add_argument_group("any field of transformers.TrainingArguments")
        for field, text in config.trainer_options().items() if config.TrainArguments in command.groups else ():
            if field not in seen:
                text = text.replace("%", "%%") if show_all else argparse.SUPPRESS
                section.add_argument(f"--{field}", default=argparse.SUPPRESS, type=_scalar, help=text)
        section = self.add_argument_group("other")
        section.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="YAML file of options.")
        if "pooling_module" not in seen:
            text = "Python module to import first: it registers the pooling of your classifier."
            section.add_argument("--pooling_module", metavar="NAME", default=argparse.SUPPRESS, help=text)
        section.add_argument("--help", "-h", action="help", help="These options.")
        section.add_argument("--help-all", action="help", help="Every option.")

    def error(self, message: str) -> NoReturn:
        """Raise a UserError instead of printing the usage and exiting."""
        raise UserError(f"{message}; see {self.prog} --help-all")

    def parse(self, argv: Sequence[str]) -> Options:
        """Return the options of `argv`, and below them those of the file that --config names.

        Raises:
            UserError: A flag or value is not legal; a close match is suggested.
        """
        flags = [_underscores(part) for part in argv]
        known = {name.removeprefix("--") for name in self._option_string_actions}
        for flag in flags:
            name = flag.removeprefix("--").partition("=")[0]
            if flag.startswith("--") and len(flag) > 2 and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                self.error(f"unknown option --{name}" + (f"; did you mean --{close[0]}?" if close else ""))
        given = vars(self.parse_args(flags))
        if "config" in given:
            path = Path(given.pop("config"))
            values = config.read_yaml(path, "--config")
            for name in values:
                if name not in known:
                    raise UserError(f"--config: '{path}' has the unknown option '{name}'")
            lines = [_as_flag(name, value) for name, value in values.items() if value is not None]
            given = {**vars(self.parse_args([part for line in lines for part in line])), **given}
        positional = next((action.dest for action in self._get_positional_actions()), None)
        texts = given.pop(positional, None) or [] if positional else []
        groups = []
        for group in self.groups:
            names = {entry.name for entry in dataclasses.fields(group)}
            values = {name: value for name, value in given.items() if name in names}
            if group is config.TrainArguments:
                own = {entry.name for each in self.groups for entry in dataclasses.fields(each)}
                values["trainer_kwargs"] = {name: value for name, value in given.items() if name not in own}
            groups.append(group(**values))
        return Options(tuple(groups), given, texts if isinstance(texts, list) else [texts], list(argv))


def _add_flag(section: Any, entry: dataclasses.Field, *, shown: bool) -> None:
    """Add the flag of a dataclass field; its default is left out, so that the parsed names are what the user set."""
    metadata = entry.metadata
    kind = config.value_type(entry.type)
    default = entry.default if entry.default_factory is dataclasses.MISSING else entry.default_factory()
    keywords: dict[str, Any] = {"nargs": metadata.get("nargs"), "default": argparse.SUPPRESS, "metavar": "X"}
    if kind is bool:
        keywords |= {"nargs": "?", "const": True, "type": _boolean, "metavar": "true|false"}
    else:
        keywords |= {"type": kind, "metavar": {int: "N", float: "X"}.get(kind, "NAME")}
    if "const" in metadata:
        keywords["const"] = metadata["const"]
    if metadata.get("choices"):
        keywords["metavar"] = "|".join(metadata["choices"]) if len(metadata["choices"]) < 5 else "NAME"
    default_text = " ".join(map(str, default)) if isinstance(default, list) else str(default).lower()
    text = metadata["help"] + ("" if default in (None, [], "") else f" (default: {default_text})")
    section.add_argument(f"--{entry.name}", help=text.replace("%", "%%") if shown else argparse.SUPPRESS, **keywords)


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is not true or false")
    return words[text.lower()]


def _scalar(text: str) -> Any:
    """Return the value of an option of the library: a JSON value where it is one (1e-4, true), else the text."""
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text


def _underscores(flag: str) -> str:
    """Return `--learning-rate=1` as `--learning_rate=1`, as the libraries' scripts accept it."""
    name, equals, value = flag.partition("=")
    return name.replace("-", "_").replace("__", "--", 1) + equals + value if flag.startswith("--") else flag


def _as_flag(name: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={json.dumps(value) if isinstance(value, dict) else value}"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 for success, 2 for a user's mistake, 1 for any other failure, 128 plus the signal's number when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] in ("--help", "-h"):
        print(_overview(), end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"bbc-classifier {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; commands: {', '.join(COMMANDS)}"
        return _fail(f"unknown command '{name}'{hint}", 2)
    try:
        parser = OptionParser(name, COMMANDS[name], show_all="--help-all" in arguments)
        options = parser.parse(["--help" if part == "--help-all" else part for part in arguments[1:]])
        _prepare_process()
        if "pooling_module" in options.given:
            sys.path.insert(0, str(Path.cwd()))
            config.import_pooling_module(options.given["pooling_module"])
        code = COMMANDS[name].run(options)
        sys.stdout.flush()
        return code
    except SystemExit:
        return 0
    except KeyboardInterrupt as error:
        code = error.exit_code if isinstance(error, Interrupted) else 130
        return _fail(f"{str(error) or 'interrupted'}{RESUME_HINTS.get(name, '')}", code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        if is_disk_full(error) and not hasattr(error, "exit_code"):
            return _fail(f"no space left on the disk; free some and run the same command again ({error})", 1)
        hint = "" if hasattr(error, "exit_code") else " (add --debug for the traceback)"
        return _fail(f"{' '.join(str(error).split()) or type(error).__name__}{hint}", getattr(error, "exit_code", 1))


def _overview() -> str:
    commands = "".join(f"  {name:<10} {command.help}\n" for name, command in COMMANDS.items())
    return (
        "usage: bbc-classifier COMMAND [--option value …]\n\nFine-tune, evaluate and use news-text classifiers.\n\n"
        f"commands:\n{commands}\noptions:\n  --help     this text; after a command, its most used options\n"
        "  --help-all after a command, every option\n  --version  the version\n"
        "  --debug    the full traceback of an error\n\nStart with: bbc-classifier train\n"
    )


def _fail(message: str, code: int) -> int:
    print(f"bbc-classifier: error: {message}", file=sys.stderr)
    return code


def _prepare_process() -> None:
    """Raise on SIGTERM as on Ctrl-C, print any script's characters, and show our own log messages only."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Interrupted("terminated", 128 + number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DATASETS_VERBOSITY", "critical")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def terminal_width() -> int:
    """Return the width to print in: the terminal's, at most 120 columns; 100 in a pipe."""
    try:
        return min(120, os.get_terminal_size().columns)
    except OSError:
        return 100


def _train(options: Options) -> int:
    model, data, training = options.groups
    if training.push_to_hub:
        from bbc_classifier.hub.push import check_push

        push_args = config.PushArguments(
            repo_id=training.hub_model_id or "the-run",
            private=training.hub_private_repo,
            revision=training.hub_revision,
            license=training.hub_license,
            token=training.hub_token,
            overwrite=training.overwrite,
        )
        check_push(push_args, dataset=data.dataset)
    from bbc_classifier.training.train import train

    result = train(model, data, training)
    if not result.is_main_process:
        return 0
    path = result.run_dir.path
    print(f"\n{'Finished' if result.is_new else 'Already finished, with the same options'}: {path}\n")
    print_report(result.record["evaluation"]["test"], "Test")
    print_written({name: path / name for name in ("model", "record.json", "predictions", "figures")})
    if training.push_to_hub:
        from bbc_classifier.hub.push import push

        push_args.repo_id = training.hub_model_id or path.name
        for url in push([path], push_args):
            print(f"Published: {url}")
    print(f'Next: bbc-classifier predict --model {shlex.quote(str(path))} "Shares fell in early trading."')
    return 0


def _evaluate(options: Options) -> int:
    from bbc_classifier.evaluation.evaluate import evaluate

    path = evaluate(options.groups[0], options.given_of(config.DataArguments))
    record = read_json(path / "evaluation.json")
    print(f"\nEvaluated: {path}\n")
    print_report(record["evaluation"]["test"], "Test")
    print_written({name: path / name for name in ("evaluation.json", "predictions", "figures")})
    return 0


def _predict(options: Options) -> int:
    (args,) = options.groups
    if args.input and options.positional:
        raise UserError("give texts or --input, not both")
    if args.input:
        from bbc_classifier.inference.bulk import predict_file, predict_files

        result = predict_files(args) if args.output_dir else predict_file(args)
        if not result.complete:
            print("The shards of this process are complete; other processes are still at work.")
            return 0
        print(f"\nClassified: {result.rows:,} rows; without text or not readable: {result.invalid:,}\n")
        counts = sorted(result.label_counts.items(), key=lambda pair: -pair[1])
        _print_table(["", ""], [(label or "(no label)", f"{count:,}") for label, count in counts])
        print_written({"predictions": result.output})
        again = ["bbc-classifier", "evaluate", "--model", args.model, "--dataset", args.input]
        print(f"Next, if the input has labels: {shlex.join(again)}")
        _warn_truncated(result.truncated, result.rows, result.max_input_tokens)
        return 0 if result.rows else 1
    texts = options.positional or _standard_input()
    if not texts:
        raise UserError("no text to classify: give texts as arguments, on standard input, or with --input FILE")
    from bbc_classifier.inference.classifier import TextClassifier

    classifier = TextClassifier.from_pretrained(args.model, revision=args.revision, device=args.device)
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise UserError(f"text {number} of {len(texts)} is empty")
    predictions = classifier.predict(texts, top_k=args.top_k, min_confidence=args.min_confidence)
    for text, prediction in zip(texts, predictions, strict=True):
        print(format_prediction(text, prediction, args.format))
    _warn_truncated(sum(p.truncated for p in predictions), len(texts), classifier.config.max_input_tokens)
    return 0


def _warn_truncated(truncated: int, rows: int, limit: int | None) -> None:
    if truncated:
        print(f"{truncated:,} of {rows:,} texts were longer than {limit} tokens and were truncated", file=sys.stderr)


def _standard_input() -> list[str]:
    """Return the lines of standard input that are not blank."""
    if sys.stdin is None or sys.stdin.isatty():
        return []
    try:
        lines = sys.stdin.buffer.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"standard input is not UTF-8: {error.reason} at byte {error.start}") from error
    return [line.strip() for line in lines if line.strip()]


def _compare(options: Options) -> int:
    from bbc_classifier.compare.report import write_report
    from bbc_classifier.compare.run import compare

    args = options.groups[0]
    given = options.given_of(config.ModelArguments, config.DataArguments, config.TrainArguments)
    outcome = compare(args, given, trainer_kwargs=options.groups[3].trainer_kwargs)
    for name, reason in outcome.not_applicable.items():
        print(f"Not applicable: {name}: {reason}")
    for name, reason in outcome.failed.items():
        print(f"Failed: {name}: {reason}")
    if not outcome.num_finished:
        raise UserError("no run of the comparison finished; the reasons are above")
    path = outcome.path
    if not args.shard.endswith("/1"):
        print(f"\nThe runs of this shard are finished: {path / 'runs'}")
        print(f"Next, with the directories of all shards: bbc-classifier report {path} … --output_dir report")
        return 1 if outcome.failed else 0
    command = shlex.join(["bbc-classifier", "compare", *options.argv])
    print_comparison(write_report([path], path, command=command), path)
    return 1 if outcome.failed else 0


def _report(options: Options) -> int:
    from bbc_classifier.compare.report import report

    print_comparison(*report(options.groups[0], options.positional))
    return 0


def _audit(options: Options) -> int:
    from bbc_classifier.audit import audit

    args, data = options.groups
    path = audit(args, data)
    record = read_json(path / "audit.json")
    _print_table(["", ""], [(row["name"], row["value"]) for row in record["table"]])
    for finding in record["findings"]:
        print(f"- {finding}")
    print_written({entry.name: entry for entry in sorted(path.iterdir())})
    given = [part for name, value in options.given_of(config.DataArguments).items() for part in _as_flag(name, value)]
    given += _as_flag("label_map", record["suggested_label_map"]) if record["suggested_label_map"] else []
    invalid = record["invalid_rows"]
    if invalid["without_text"]["count"] or invalid["without_label"]["count"]:
        given.append("--drop_invalid_rows")
    print(f"Next: {shlex.join(['bbc-classifier', 'train', *given])}")
    return 0


def _export(options: Options) -> int:
    from bbc_classifier.export.export import export

    (args,) = options.groups
    args.model = options.positional[0] if options.positional else args.model
    path = export(args)
    record = read_json(path / "export.json")
    print(f"\nExported: {path}\n")
    _print_table(["", ""], [(name.replace("_", " "), _number(value)) for name, value in record["agreement"].items()])
    print(f'Next: bbc-classifier predict --model {shlex.quote(str(path))} "Shares fell in early trading."')
    return 0


def _card(options: Options) -> int:
    from bbc_classifier.hub.model_card import write_card

    path = write_card(options.positional[0], options.groups[0])
    print_written({"model card": path})
    print(f"Next: bbc-classifier push {shlex.quote(options.positional[0])} --repo_id your-name/your-model --dry_run")
    return 0


def _push(options: Options) -> int:
    from bbc_classifier.hub.push import push

    (args,) = options.groups
    for url in push([Path(path) for path in options.positional], args):
        print(f"{'Staged, not uploaded' if args.dry_run else 'Published'}: {url}")
    return 0


RUNS = ("run", "+", "Run directories.")
TEXTS = ("text", "*", "Texts to classify. Without any: standard input, one text per line.")
CLASSIFIERS_OWN = frozenset({"max_length", "truncation", "distinct_tokens"})
COMMANDS = {
    "train": Command(
        "Fine-tune an encoder, calibrate and evaluate it, and write a run directory.",
        (config.ModelArguments, config.DataArguments, config.TrainArguments),
        _train,
    ),
    "predict": Command(
        "Classify texts, the rows of a file, or any number of files.", (config.PredictArguments,), _predict, TEXTS
    ),
    "evaluate": Command(
        "Evaluate a classifier on its own test split or on other data.",
        (config.EvaluateArguments, config.DataArguments),
        _evaluate,
        hidden=CLASSIFIERS_OWN,
    ),
    "compare": Command(
        "Train a grid of encoders and poolings and test which differ.",
        (config.CompareArguments, config.ModelArguments, config.DataArguments, config.TrainArguments),
        _compare,
        hidden=frozenset({"encoder", "pooling", "fold", "push_to_hub", "resume_from_checkpoint"}),
    ),
    "report": Command(
        "Rebuild the report of a comparison from its runs, of several machines too.",
        (config.ReportArguments,),
        _report,
        ("path", "+", "Directories of comparisons, or of their shards."),
    ),
    "audit": Command(
        "Describe a data set: lengths, labels, duplicates, leakage.",
        (config.AuditArguments, config.DataArguments),
        _audit,
        hidden=CLASSIFIERS_OWN,
    ),
    "export": Command(
        "Write a classifier as ONNX or as a stock Transformers class.",
        (config.ExportArguments,),
        _export,
        ("run", "?", "Run directory, model directory or Hub id; the same as --model."),
    ),
    "card": Command(
        "Write the model card of a finished run.", (config.CardFileArguments,), _card, ("run", None, "Run directory.")
    ),
    "push": Command("Publish finished runs on the Hugging Face Hub.", (config.PushArguments,), _push, RUNS),
}


def print_report(report: Mapping[str, Any], title: str) -> None:
    """Print the metrics of an evaluation with their intervals, and those of each class."""
    rows = [
        (name.replace("_", " "), f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "")
        for name, value in report["metrics"].items()
        for interval in [report["intervals"].get(name)]
    ]
    _print_table([f"{title}, n = {report['n']}", "value", "95 % interval"], rows)
    per_class = report["per_class"]
    lowest = set(sorted(per_class, key=lambda name: per_class[name]["f1"])[:MAX_CLASSES_SHOWN])
    columns = list(next(iter(per_class.values()), {}))
    print()
    _print_table(
        ["class", *({"support": "n"}.get(column, column.replace("_", " ")) for column in columns)],
        [(name, *map(_number, row.values())) for name, row in per_class.items() if name in lowest],
    )
    if len(per_class) > len(lowest):
        print(f"The {len(lowest)} of {len(per_class)} classes with the lowest F1; record.json has all.")


def print_comparison(results: Mapping[str, Any], path: Path) -> None:
    """Print the verdict of a comparison, the accuracy of each configuration, and the files of the report."""
    for sentence in results["summary"]:
        print(sentence)
    print()
    rows = []
    for row in results["configurations"]:
        low, high = (100 * bound for bound in row["accuracy_interval"])
        seconds = row["train_seconds"]
        accuracy = f"{100 * row['mean']['accuracy']:.2f}"
        rows.append((row["name"], row["groups"], accuracy, f"{low:.2f} to {high:.2f}", _number(seconds)))
    _print_table(["configuration", "groups", "accuracy in %", "95 % interval", "seconds of training"], rows)
    files = ("report.html", "report.md", "results.csv", "results.json", "figures")
    print_written({name: path / name for name in files})
    print(f"Next: open {path / 'report.html'}")


def format_prediction(text: str, prediction: "Prediction", form: str) -> str:
    """Return one line: label, confidence, all probabilities and the beginning of the text; or the same as JSON."""
    if form == "json":
        return json.dumps({"text": text, **dataclasses.asdict(prediction)}, ensure_ascii=False)
    shares = "  ".join(f"{name} {share:.3f}" for name, share in prediction.probabilities.items())
    excerpt = text if len(text) <= 60 else f"{text[:57]}…"
    label = ", ".join(prediction.labels) or "unsure"
    return f"{label:<14} {prediction.confidence:.3f}   ({shares})   {excerpt}"


def print_written(paths: Mapping[str, Path]) -> None:
    """Print what was written where."""
    print("\nWritten:")
    for name, path in paths.items():
        print(f"  {name:<14} {path}")


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table without a box, the first column left-aligned. Label names may look like rich's markup."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=any(header))
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index and any(header) else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=terminal_width(), highlight=False, markup=False).print(table)


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
