"""Options from flags and from a YAML file, both read as flags are, so that both mean and refuse the same."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from bbc_classifier.errors import InputError


class OptionParser(HfArgumentParser):
    """Builds flags from dataclasses; a wrong one raises one sentence instead of printing the usage."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.given: set[str] = set()
        self.add_argument(
            "--config",
            metavar="FILE",
            default=argparse.SUPPRESS,
            help="YAML file of these options; a flag beside it wins.",
        )

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print.

        Raises:
            InputError: Always.
        """
        raise InputError(f"{message}; see {self.prog} --help")

    def given_of(self, options: Any) -> dict[str, Any]:
        """Return what the flags or the file that were parsed said of this dataclass, without its defaults."""
        return {field.name: getattr(options, field.name) for field in fields(options) if field.name in self.given}

    def parse(self, argv: Sequence[str]) -> tuple[Any, ...]:
        """Return one filled dataclass per dataclass of the parser.

        `--config FILE` names a YAML file of options; a flag beside it wins.

        Raises:
            InputError: A flag, key or value is not legal, or the file is not.
        """
        first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
        first.add_argument("--config")
        try:
            chosen, rest = first.parse_known_args(argv)
        except argparse.ArgumentError as error:
            raise InputError(str(error)) from error
        known = {name for action in self._actions for name in action.option_strings}
        from_file = _flags_of_file(Path(chosen.config), known) if chosen.config else []
        self.given = {self._option(_name(flag)) for flag in [*from_file, *rest] if flag.startswith("--")}
        try:
            return self.parse_args_into_dataclasses([*from_file, *rest], look_for_args_file=False)
        except InputError:
            raise
        except ValueError as error:
            unknown = str(error).startswith("Some specified arguments")
            message = f"unknown argument: {' '.join(self._unknown([*from_file, *rest]))}" if unknown else str(error)
            raise InputError(f"{message}; see {self.prog} --help") from error

    def _option(self, name: str) -> str:
        """Return the option that a flag sets: `--no_something` sets `something`."""
        positive = name.removeprefix("no_")
        return positive if f"--{positive}" in self._option_string_actions else name

    def _unknown(self, argv: Sequence[str]) -> list[str]:
        return self.parse_known_args(list(argv))[1]


def _flags_of_file(path: Path, known: set[str]) -> list[str]:
    """Return a YAML file's options as the flags that say the same."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--config: cannot read '{path}': {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--config: '{path}' is not YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return []
    if not isinstance(values, dict):
        raise InputError(f"--config: '{path}' must hold 'name: value' lines, not a {type(values).__name__}")
    flags: list[str] = []
    for name, value in values.items():
        if f"--{name}" not in known:
            raise InputError(f"--config: '{path}' has the unknown option '{name}'")
        flags += _flag(str(name), value)
    return flags


def _name(flag: str) -> str:
    return flag.removeprefix("--").partition("=")[0].replace("-", "_")


def _flag(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={json.dumps(value) if isinstance(value, dict) else value}"]
