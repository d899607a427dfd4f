"""The flags that say again what options said, for the command that a message suggests next."""

from dataclasses import fields
from typing import Any


def flags_of(options: Any) -> list[str]:
    """Return the flags that say how a dataclass of options differs from its defaults."""
    flags = []
    for option in fields(options):
        value = getattr(options, option.name)
        if value != option.default:
            flags += [f"--{option.name}", *map(str, value if isinstance(value, list) else [value])]
    return flags
