"""The command line: parses options, calls a function per command, prints the files written and the next command."""

import argparse
import dataclasses
import difflib
import json
import logging
import math
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from bbc_classifier import __version__, config
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.io import is_disk_full, read_json, slug

BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# What resumes an interrupted command, added to the same command.
RESUME_OPTIONS = {"train": " and --resume_from_checkpoint", "compare": ""}
MAX_CLASSES_SHOWN = 30
WIDTH = min(120, shutil.get_terminal_size(fallback=(100, 24)).columns)


class Command(NamedTuple):
    """A subcommand: a function, whose docstring is the help, the dataclasses of its options, positional arguments."""

    run: Callable[["Options"], int | None]  # returns the exit code; None is 0
    groups: tuple[type, ...]
    positional: tuple[str, str | None, str] | None = None  # name, nargs and help
    hidden: frozenset[str] = frozenset()  # options of a shared dataclass that mean nothing here
    help: Mapping[str, str] = {}  # of options of a shared dataclass that mean something else here


class Options(NamedTuple):
    """Parsed options: one instance per dataclass, what the user set, and positional arguments."""

    groups: tuple[Any, ...]
    given: dict[str, Any]
    positional: list[str]
    argv: list[str]


class OptionParser(argparse.ArgumentParser):
    """Flags from dataclasses. An error is one sentence and a suggestion, not the usage."""

    def __init__(self, name: str, command: Command, *, show_all: bool = False):
        positional = f" [{command.positional[0].upper()} …]" if command.positional else ""
        super().__init__(
            prog=f"bbc-classifier {name}",
            usage=f"bbc-classifier {name}{positional} [--option value …]",
            description=command.run.__doc__,
            allow_abbrev=False,
            add_help=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=WIDTH),
        )
        self.groups, self.own, self.has_positional = command.groups, set[str](), bool(command.positional)
        if command.positional:
            metavar, nargs, text = command.positional
            self.add_argument("positional", metavar=metavar, nargs=nargs, help=text)
        for group in command.groups:
            section = self.add_argument_group((group.__doc__ or "").strip())
            for entry in dataclasses.fields(group):
                if entry.name not in self.own and "help" in entry.metadata:
                    self.own.add(entry.name)
                    shown = (show_all or entry.metadata["common"]) and entry.name not in command.hidden
                    _add_flag(section, entry, command.help.get(entry.name), shown=shown)
        section = self.add_argument_group("any field of transformers.TrainingArguments")
        options = config.trainer_options() if config.TrainArguments in command.groups else {}
        for field, (is_boolean, text) in options.items():
            if field not in self.own:
                text = text.replace("%", "%%") if show_all else argparse.SUPPRESS
                kind = {"nargs": "?", "const": True, "type": _boolean} if is_boolean else {"type": _scalar}
                section.add_argument(f"--{field}", default=argparse.SUPPRESS, help=text, **kind)
        section = self.add_argument_group("other")
        section.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="YAML file of options.")
        if "pooling_module" not in self.own:
            text = "Python module to import first: it registers the pooling of your classifier."
            section.add_argument("--pooling_module", metavar="NAME", default=argparse.SUPPRESS, help=text)
        section.add_argument("--help", "-h", action="help", help="These options.")
        section.add_argument("--help-all", action="help", help="Every option.")

    def error(self, message: str) -> NoReturn:
        """Raise a UserError instead of printing the usage and exiting."""
        raise UserError(f"{message} (see {self.prog} --help-all)")

    def parse(self, argv: Sequence[str]) -> Options:
        """Return the options of `argv`, and below them those of the file that --config names."""
        end, known, flags = [*argv, "--"].index("--"), self._option_string_actions, list[str]()
        for part, after in zip(argv[:end], [*argv[1:end], ""], strict=False):
            name, equals, value = part.partition("=")
            if name.startswith("--"):
                # --learning-rate is accepted too, as by the libraries' scripts.
                name = name.replace("-", "_").replace("__", "--", 1)
                if name not in known:
                    close = difflib.get_close_matches(name, known, n=1)
                    self.error(f"unknown option {name}" + (f"; did you mean {close[0]}?" if close else ""))
                is_switch = known[name].type is _boolean and not equals and after.lower() not in BOOLEANS
                if is_switch and self.has_positional:  # a positional argument may follow
                    equals, value = "=", "true"
            flags.append(name + equals + value)
        flags += argv[end:]
        given = vars(self.parse_args(flags))
        if "config" in given:
            values = config.read_yaml(Path(given["config"]), "--config")
            parts: list[str] = []
            for name, value in values.items():
                if f"--{name}" not in known:
                    raise UserError(f"--config: '{given['config']}' has the unknown option '{name}'")
                parts += [] if value is None else config.as_flag(name, value)
            # The later of two values counts; --config ends a list, so that a positional argument does not extend it.
            given = vars(self.parse_args([*parts, f"--config={given.pop('config')}", *flags]))
        given.pop("config", None)
        positional = given.pop("positional", None) or []
        if isinstance(positional, str):  # of export, demo and serve
            given["model"] = positional
        values = {**given, "trainer_kwargs": {name: value for name, value in given.items() if name not in self.own}}
        groups = tuple(group(**_values_of(values, group)) for group in self.groups)
        return Options(groups, given, positional if isinstance(positional, list) else [positional], list(argv))


def _values_of(given: Mapping[str, Any], *groups: type) -> dict[str, Any]:
    """Return what the user set of these dataclasses, without defaults."""
    names = {entry.name for group in groups for entry in dataclasses.fields(group)}
    return {name: value for name, value in given.items() if name in names}


def _add_flag(section: Any, entry: dataclasses.Field, text: str | None, *, shown: bool) -> None:
    """Add the flag of a dataclass field; its default is left out, so that the parsed names are what the user set."""
    metadata, kind = entry.metadata, config.value_type(entry.type)
    default = entry.default if entry.default_factory is dataclasses.MISSING else entry.default_factory()
    keywords = {"nargs": metadata.get("nargs"), "const": metadata.get("const"), "type": kind}
    keywords["metavar"] = {int: "N", float: "X"}.get(kind, "NAME")
    if kind is bool:
        keywords = {"nargs": "?", "const": True, "type": _boolean, "metavar": "true|false"}
    elif 0 < len(metadata.get("choices", ())) < 5:
        keywords["metavar"] = "|".join(metadata["choices"])
    default_text = " ".join(map(str, default)) if isinstance(default, list) else str(default).lower()
    text = text or metadata["help"] + ("" if default in (None, [], "") else f" (default: {default_text})")
    text = text.replace("%", "%%") if shown else argparse.SUPPRESS
    section.add_argument(f"--{entry.name}", default=argparse.SUPPRESS, help=text, **keywords)


def _boolean(text: str) -> bool:
    if text.lower() not in BOOLEANS:
        raise argparse.ArgumentTypeError(f"'{text}' is not true or false")
    return BOOLEANS[text.lower()]


def _scalar(text: str) -> Any:
    """Return the value of an option of the library: a number or JSON value where it is one (.5, {"a": 1}), or text."""
    with suppress(ValueError):
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    with suppress(ValueError):
        return float(text)
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 for success, 2 for a user's mistake, 1 for any other failure, 128 plus the signal's number when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] in ("--help", "-h"):
        print("usage: bbc-classifier COMMAND [--option value …]\n")
        print("Fine-tune, evaluate and use news-text classifiers.\n\ncommands:")
        print(*(f"  {name:<10} {command.run.__doc__}" for name, command in COMMANDS.items()), sep="\n")
        print("\noptions:\n  --help     this text; after a command, its most used options")
        print("  --help-all after a command, every option\n  --version  the version")
        print("  --debug    the full traceback of an error\n\nStart with: bbc-classifier train")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"bbc-classifier {__version__}")
        return 0
    name, given = arguments[0], dict[str, Any]()
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; commands: {', '.join(COMMANDS)}"
        return _fail(f"unknown command '{name}'{hint}", 2)
    try:
        parser = OptionParser(name, COMMANDS[name], show_all="--help-all" in arguments)
        options = parser.parse(["--help" if part == "--help-all" else part for part in arguments[1:]])
        _prepare_process()
        given = options.given
        if "pooling_module" in options.given:
            sys.path.insert(0, str(Path.cwd()))
            config.import_pooling_module(options.given["pooling_module"])
        if name not in ("audit", "card", "report"):
            _show_transfers_only()
        code = COMMANDS[name].run(options) or 0
        sys.stdout.flush()
        return code
    except SystemExit as error:
        return _fail(error.code, 1) if isinstance(error.code, str) else error.code or 0
    except KeyboardInterrupt as error:
        hint = f"; resume with the same command{RESUME_OPTIONS[name]}" if name in RESUME_OPTIONS else ""
        hint += ", without --overwrite" if hint and given.get("overwrite") else ""
        return _fail(f"{str(error) or 'interrupted'}{hint}", getattr(error, "exit_code", 130))
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


def _fail(message: str, code: int) -> int:
    print(f"bbc-classifier: error: {message}", file=sys.stderr)
    return code


def _prepare_process() -> None:
    """Raise on SIGTERM as on Ctrl-C, print any script's characters, and show our own log messages only."""

    def terminate(number: int, frame: object) -> None:
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
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _show_transfers_only() -> None:
    """Show the progress of downloads and uploads, but not of loading weights, which takes a second."""
    from huggingface_hub.utils import are_progress_bars_disabled, enable_progress_bars
    from transformers.utils import logging as library_logging

    if not are_progress_bars_disabled():
        library_logging.disable_progress_bar()
        enable_progress_bars()


def _train(options: Options) -> None:
    """Fine-tune an encoder, calibrate and evaluate it, and write a run directory."""
    model, data, training = options.groups
    if training.push_to_hub:
        from bbc_classifier.hub.push import check_push, push

        push_args = config.PushArguments(
            repo_id=training.hub_model_id or "the-run",
            private=training.hub_private_repo,
            revision=training.hub_revision,
            license=training.hub_license,
            token=training.hub_token,
        )
        check_push(push_args, dataset=data.train_file or data.dataset)
    from bbc_classifier.training.train import train

    result = train(model, data, training)
    if not result.is_main_process:
        return
    path = result.run_dir.path
    print(f"\n{'Finished' if result.is_new else 'Already finished, with the same options'}: {path}\n")
    evaluation = result.record["evaluation"]
    split = "test" if "test" in evaluation else "validation"
    print_report(evaluation[split], split)
    _warn_few_rows(options, result.record, split)
    if sure := result.record["suggested_min_confidence"]:
        threshold, share = math.floor(1e4 * sure["min_confidence"]) / 1e4, 100 * sure["share"]
        print(f"With --min_confidence {threshold}, predict labels {share:.0f} % of validation texts, ", end="")
        print(f"{100 * sure['accuracy']:.1f} % of them correctly.")
    print_written(path, "model", "record.json", "predictions", "figures")
    if training.push_to_hub:
        push_args.repo_id = training.hub_model_id or slug(path.name)
        for url in push([path], push_args):
            print(f"Published: {url}")
    print(f'Next: bbc-classifier predict --model {shlex.quote(str(path))} "Shares fell in early trading."')


def _warn_few_rows(options: Options, record: Mapping[str, Any], split: str) -> None:
    """Print that a split is too small for its metrics, and the command that tests every row."""
    from bbc_classifier.data.loading import FEW_ROWS, FEW_TEXTS_PER_LABEL

    report = record["evaluation"][split]
    if report["n"] >= FEW_ROWS:
        return
    metric, (low, high) = next(iter(report["intervals"].items()))
    print(f"\nWarning: {report['n']} {split} rows are few: the 95 % interval of {metric} is {low:.2f} to {high:.2f}.")
    few = FEW_TEXTS_PER_LABEL * len(record["model"]["labels"])
    if record["data"]["split_sizes"]["train"] < few and options.groups[0].recipe is None:
        print(f"With fewer than {FEW_TEXTS_PER_LABEL} texts a label, --recipe few may be more accurate.")
    if not record["data"]["predefined_split"] and record["problem_type"] == "single_label_classification":
        model, left_out = options.groups[0], config.OF_THE_GRID | config.RUNTIME_ONLY | {"folds", "test_fraction"}
        given = options.given.items()
        flags = [part for name, value in given if name not in left_out for part in config.as_flag(name, value)]
        grid = ["--encoders", model.encoder, "--poolings", record["options"]["model"]["pooling"], "--folds", "5"]
        print("To test every row:", shlex.join(["bbc-classifier", "compare", *flags, *grid]))


def _evaluate(options: Options) -> None:
    """Evaluate a classifier on its own test split or on other data."""
    from bbc_classifier.evaluation.evaluate import evaluate

    path = evaluate(options.groups[0], _values_of(options.given, config.DataArguments))
    print(f"\nEvaluated: {path}\n")
    print_report(read_json(path / "evaluation.json")["evaluation"]["test"])
    print_written(path, "evaluation.json", "predictions", "figures")


def _predict(options: Options) -> int:
    """Classify texts, the rows of a file, or any number of files."""
    (args,) = options.groups
    if args.input and options.positional:
        raise UserError("give texts or --input, not both")
    if args.input:
        from bbc_classifier.inference.bulk import predict_file, predict_files

        result = predict_files(args) if args.output_dir else predict_file(args)
        if not result.complete:
            print("This process has written its shards; other processes are still running.")
            return 0
        print(f"\nClassified in {result.precision}: {result.rows:,} rows; no readable text: {result.invalid:,}\n")
        counts = result.label_counts.most_common()
        _print_table(["", ""], [(label or "(no label)", f"{count:,}") for label, count in counts])
        print_written(result.output.parent, result.output.name)
        columns = _values_of(options.given, config.ColumnArguments).items()
        flags = [part for name, value in columns for part in config.as_flag(name, value)]
        again = shlex.join(["bbc-classifier", "evaluate", "--model", args.model, "--dataset", args.input, *flags])
        if not args.input.lower().endswith(".txt"):
            print(f"Next, if the input has labels: {again}")
        _warn_truncated(result.truncated, result.rows)
        return 0 if result.rows else 1
    texts = options.positional or _standard_input()
    if not texts:
        raise UserError("no text to classify: give texts as arguments, on standard input, or with --input FILE")
    from rich.console import Console

    from bbc_classifier.inference.classifier import Predictor
    from bbc_classifier.inference.explain import explain

    classifier = Predictor.from_pretrained(args.model, args.revision, args.device, args.precision, args.adaptive)
    if empty := [number for number, text in enumerate(texts, 1) if not text.strip()]:
        raise UserError(f"text {empty[0]} of {len(texts)} is empty")
    predictions = classifier.classify(texts, top_k=args.top_k, min_confidence=args.min_confidence)
    for text, prediction in zip(texts, predictions, strict=True):
        explanation = explain(classifier, text) if args.explain else None
        if args.format == "json":
            row = {"text": text, **dataclasses.asdict(prediction)}
            row |= {"words": [[word.word, word.score] for word in explanation.words]} if explanation else {}
            print(json.dumps(row, ensure_ascii=False))
            continue
        shares = "  ".join(f"{name} {share:.3f}" for name, share in prediction.probabilities.items())
        label, excerpt = ", ".join(prediction.labels) or "(unsure)", text if len(text) <= 60 else f"{text[:57]}…"
        print(f"{label:<14} {prediction.confidence:.3f}   ({shares})   {excerpt}")
        if explanation:
            Console(highlight=False).print(explanation)
            words = ", ".join(f"{word.word} {word.score:+.2f}" for word in explanation.top())
            print(f"words for {explanation.label}: {words}")
    _warn_truncated(sum(p.truncated for p in predictions), len(texts))
    return 0


def _warn_truncated(truncated: int, rows: int) -> None:
    if truncated:
        print(f"{truncated:,} of {rows:,} texts were longer than the classifier reads and were cut", file=sys.stderr)


def _standard_input() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        return []
    try:
        lines = sys.stdin.buffer.read().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"standard input is not UTF-8: {error.reason} at byte {error.start}") from error
    return [line.strip() for line in lines if line.strip()]


def _compare(options: Options) -> int:
    """Train a grid of encoders and poolings and test which differ."""
    from bbc_classifier.compare.report import write_report
    from bbc_classifier.compare.run import compare

    args = options.groups[0]
    given = _values_of(options.given, *TRAINING) | {"trainer_kwargs": options.groups[3].trainer_kwargs}
    outcome = compare(args, given)
    for name, reason in outcome.not_applicable.items():
        print(f"Not applicable: {name}: {reason}")
    for name, reason in outcome.failed.items():
        print(f"Failed: {name}: {reason}")
    if not outcome.num_finished:
        raise UserError("no run of the comparison finished; the reasons are above")
    path = outcome.path
    if args.shard.endswith("/1"):
        command = shlex.join(["bbc-classifier", "compare", *options.argv])
        print_comparison(write_report([path], path, command=command), path)
    else:
        print(f"\nThe runs of this shard are finished: {path / 'runs'}")
        print(f"Next, with the directories of all shards: bbc-classifier report {path} … --output_dir report")
    return 1 if outcome.failed else 0


def _report(options: Options) -> None:
    """Rebuild the report of a comparison from its runs, also of several machines."""
    from bbc_classifier.compare.report import report

    print_comparison(*report(options.groups[0], options.positional))


def _audit(options: Options) -> None:
    """Describe a data set: lengths, labels, duplicates, leakage."""
    from bbc_classifier.audit import audit

    args, data = options.groups
    path = audit(args, data)
    record = read_json(path / "audit.json")
    _print_table(["", ""], [(row["name"], row["value"]) for row in record["table"]])
    for finding in record["findings"]:
        print(f"- {finding}")
    print_written(path, *sorted(entry.name for entry in path.iterdir()))
    given = _values_of(options.given, config.DataArguments)
    if record["suggested_label_map"]:
        given["label_map"] = record["suggested_label_map"]
    if record["invalid_rows"]["without_text_or_label"]["count"]:
        given["drop_invalid_rows"] = True
    flags = [part for name, value in given.items() for part in config.as_flag(name, value)]
    print(f"Next: {shlex.join(['bbc-classifier', 'train', *flags])}")


def _export(options: Options) -> None:
    """Write a classifier as ONNX, in 8 bits, as a stock Transformers class or as a Hugging Face Space."""
    from bbc_classifier.export.export import export

    (args,) = options.groups
    path = export(args)
    record = read_json(path / "export.json")
    print(f"\nExported: {path}\n")
    _print_table(["", ""], [(name.replace("_", " "), _number(value)) for name, value in record["agreement"].items()])
    quoted = shlex.quote(str(path))
    if args.format == "space":
        print_written(path, *sorted(entry.name for entry in path.iterdir()))
        print(f"Next, to try it: python {quoted}/app.py")
        print(f"Then, to publish it: hf upload your-name/your-space {quoted} . --repo-type space")
    else:
        print(f'Next: bbc-classifier predict --model {quoted} "Shares fell in early trading."')


def _demo(options: Options) -> None:
    """Open a page to classify texts and files in a browser (needs gradio)."""
    from bbc_classifier.demo import launch

    launch(*options.groups)


def _serve(options: Options) -> None:
    """Answer requests over HTTP (needs fastapi, httptools, uvicorn, prometheus-client)."""
    from bbc_classifier.serve import serve

    serve(*options.groups)


def _card(options: Options) -> None:
    """Write the model card of a finished run."""
    from bbc_classifier.hub.model_card import write_card

    path = write_card(options.positional[0], options.groups[0])
    print_written(path.parent, path.name)
    print(f"Next: bbc-classifier push {shlex.quote(options.positional[0])} --repo_id your-name/your-model --dry_run")


def _push(options: Options) -> None:
    """Publish finished runs on the Hugging Face Hub."""
    from bbc_classifier.hub.push import push

    (args,) = options.groups
    for url in push([Path(path) for path in options.positional], args):
        print(f"{'Staged, not uploaded' if args.dry_run else 'Published'}: {url}")


TRAINING = (config.ModelArguments, config.DataArguments, config.TrainArguments)
TEXTS = ("text", "*", "Texts to classify. Without any: standard input, one text per line.")
REPORTED = ("path", "+", "Directories of comparisons, or of their shards.")
EXPORTED = ("run", "?", "Run directory, model directory or Hub id; the same as --model.")
COMMANDS = {
    "train": Command(_train, TRAINING),
    "predict": Command(_predict, (config.PredictArguments,), TEXTS),
    "evaluate": Command(
        _evaluate,
        (config.EvaluateArguments, config.DataArguments),
        hidden=config.CLASSIFIER_OPTIONS,
        help={"dataset": "Other data, named as for `train`. Unset: the test split that the run cut or had."},
    ),
    "compare": Command(
        _compare,
        (config.CompareArguments, *TRAINING),
        hidden=config.OF_THE_GRID,
        help={"output_dir": "Directory of the comparison. (default: comparison)"},
    ),
    "report": Command(_report, (config.ReportArguments,), REPORTED),
    "audit": Command(_audit, (config.AuditArguments, config.DataArguments), hidden=config.CLASSIFIER_OPTIONS),
    "export": Command(_export, (config.ExportArguments,), EXPORTED),
    "demo": Command(_demo, (config.DemoArguments,), EXPORTED),
    "serve": Command(_serve, (config.ServeArguments,), EXPORTED),
    "card": Command(_card, (config.CardFileArguments,), ("run", None, "Run directory.")),
    "push": Command(_push, (config.PushArguments,), ("run", "+", "Run directories.")),
}


def print_report(report: Mapping[str, Any], split: str = "test") -> None:
    """Print the metrics of a split with their intervals, and those of each class."""
    intervals = {name: f"{low:.4f} to {high:.4f}" for name, (low, high) in report["intervals"].items()}
    rows = [(name.replace("_", " "), f"{v:.4f}", intervals.get(name, "")) for name, v in report["metrics"].items()]
    _print_table([f"{split.capitalize()}, n = {report['n']}", "value", "95 % interval"], rows)
    per_class = report["per_class"]
    lowest = set(sorted(per_class, key=lambda name: per_class[name]["f1"])[:MAX_CLASSES_SHOWN])
    columns = list(next(iter(per_class.values()), {}))
    print()
    header = ["class", *({"support": "n"}.get(column, column.replace("_", " ")) for column in columns)]
    _print_table(header, [(name, *map(_number, row.values())) for name, row in per_class.items() if name in lowest])
    if by_length := report.get("by_length"):
        print()
        shown = [(kind, row["accuracy"], row["expected_calibration_error"]) for kind, row in by_length.items()]
        rows = [(kind.replace("_", " "), _number(accuracy), _number(error)) for kind, accuracy, error in shown]
        _print_table(["part of the text", "accuracy", "ECE"], rows)
    if len(per_class) > len(lowest):
        print(f"The {len(lowest)} of {len(per_class)} classes with the lowest F1; record.json has all.")


def print_comparison(results: Mapping[str, Any], path: Path) -> None:
    """Print the verdict of a comparison, the accuracy of each configuration, and the files of the report."""
    print(*results["summary"], "", sep="\n")
    rows = []
    for row in results["configurations"]:
        low, high = (100 * bound for bound in row["accuracy_interval"])
        accuracy = f"{100 * row['mean']['accuracy']:.2f}"
        rows.append((row["name"], row["groups"], accuracy, f"{low:.2f} to {high:.2f}", _number(row["train_seconds"])))
    _print_table(["configuration", "groups", "accuracy in %", "95 % interval", "seconds of training"], rows)
    print_written(path, "report.html", "report.md", "results.csv", "results.json", "figures")
    print(f"Next: open {path / 'report.html'}")


def print_written(directory: Path, *names: str) -> None:
    """Print what was written where."""
    print("\nWritten:", *map(directory.joinpath, names), sep="\n  ")


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table without a box, the first column left-aligned. Label names may look like rich's markup."""
    from rich.console import Console
    from rich.table import Column, Table

    columns = [Column(name, justify="right" if index and any(header) else "left") for index, name in enumerate(header)]
    table = Table(*columns, box=None, pad_edge=False, show_header=any(header))
    for row in rows:
        table.add_row(*row)
    Console(width=WIDTH, highlight=False, markup=False).print(table)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
