"""The parser of a command's options."""

from typing import Any

from bbc_classifier.option_parser import OptionParser, Preset


def command_parser(command: str, *dataclasses: Any, preset: Preset | None = None) -> OptionParser:
    """Return the parser of a command whose options are the fields of these dataclasses, on top of a preset's."""
    return OptionParser(dataclasses, prog=f"bbc-classifier {command}", allow_abbrev=False, preset=preset)
