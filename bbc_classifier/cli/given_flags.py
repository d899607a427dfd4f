"""The flags that say again what was said: for the command that a message suggests next, or that a report repeats."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bbc_classifier.provenance import without_folders


def flags_of(options: Any) -> list[str]:
    """Return the flags that say how a dataclass of options differs from its defaults."""
    flags = []
    for option in fields(options):
        value = getattr(options, option.name)
        if value != option.default:
            flags += [f"--{option.name}", *map(str, value if isinstance(value, list) else [value])]
    return flags


def shareable_command(command: str, argv: Sequence[str]) -> str:
    """Return a command as it was given, without the folders of this machine that its paths lead through."""
    said = [_without_folders(part) for part in argv]
    return shlex.join(["bbc-classifier", command, *said])


def _without_folders(part: str) -> str:
    name, equals, value = part.partition("=") if part.startswith("--") else ("", "", part)
    return f"{name}{equals}{','.join(without_folders(value.split(',')))}"
