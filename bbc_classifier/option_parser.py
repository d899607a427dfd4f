"""Options from flags and from a YAML file, both read as flags are, so that both mean and refuse the same."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from transformers import HfArgumentParser

from bbc_classifier.errors import InputError
from bbc_classifier.yaml_file import read_yaml


@dataclass(frozen=True)
class Preset:
    """A YAML file of options that others choose.

    Attributes:
        option: The option that names it.
        depends_on: The options that choose it, that one among them.
        choose: From what was given of these to the name and the file.
    """

    option: str
    depends_on: tuple[str, ...]
    choose: Callable[[Mapping[str, str]], tuple[str, Path]]


class OptionParser(HfArgumentParser):
    """Builds flags from dataclasses; a wrong one raises one sentence instead of printing the usage."""

    def __init__(self, *args: Any, preset: Preset | None = None, **kwargs: Any):
        """Build the parser.

        Args:
            args: As the library's parser.
            preset: Which options to start from, below the file's and the flags'.
            kwargs: As the library's parser.
        """
        super().__init__(*args, **kwargs)
        self.preset = preset
        self.given: set[str] = set()
        self.add_argument(
            "--config",
            metavar="FILE",
            default=argparse.SUPPRESS,
            help="YAML file of these options; a flag beside it wins.",
        )

    def describe(self, help_by_option: Mapping[str, str | None]) -> None:
        """Say in the help what an option means to this command, where its dataclass says what it means to another.

        Args:
            help_by_option: The help by the option's name; None leaves the option out of the help.
        """
        for name, text in help_by_option.items():
            self._option_string_actions[f"--{name}"].help = argparse.SUPPRESS if text is None else text

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
        chosen, rest = _peek(argv, "config")
        known = {name for action in self._actions for name in action.option_strings}
        from_file = _flags_of_file(Path(chosen["config"]), known) if "config" in chosen else []
        given = [*from_file, *rest]
        self.given = {self._option(_name(flag)) for flag in given if flag.startswith("--")}
        flags = [*self._preset_flags(given, known), *given]
        try:
            return self.parse_args_into_dataclasses(flags, look_for_args_file=False)
        except InputError:
            raise
        except ValueError as error:
            unknown = str(error).startswith("Some specified arguments")
            message = f"unknown argument: {' '.join(self._unknown(given))}" if unknown else str(error)
            raise InputError(f"{message}; see {self.prog} --help") from error

    def _preset_flags(self, given: Sequence[str], known: set[str]) -> list[str]:
        """Return the flags of the preset that the given ones call for, and the one that names it."""
        if self.preset is None:
            return []
        name, path = self.preset.choose(_peek(given, *self.preset.depends_on)[0])
        return [*_flags_of_file(path, known), f"--{self.preset.option}={name}"]

    def _option(self, name: str) -> str:
        """Return the option that a flag sets: `--no_something` sets `something`."""
        positive = name.removeprefix("no_")
        return positive if f"--{positive}" in self._option_string_actions else name

    def _unknown(self, argv: Sequence[str]) -> list[str]:
        return self.parse_known_args(list(argv))[1]


def _peek(argv: Sequence[str], *names: str) -> tuple[dict[str, str], list[str]]:
    """Return what flags say of a few options, and the flags without them.

    Raises:
        InputError: A flag has no value.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in names:
        first.add_argument(f"--{name}", default=argparse.SUPPRESS)
    try:
        chosen, rest = first.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise InputError(str(error)) from error
    return vars(chosen), rest


def _flags_of_file(path: Path, known: set[str]) -> list[str]:
    """Return a YAML file's options as the flags that say the same."""
    values = read_yaml(path, "--config")
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
