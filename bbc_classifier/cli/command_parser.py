"""The parser of a command's options."""

from typing import Any

from bbc_classifier.option_parser import OptionParser


def command_parser(command: str, *dataclasses: Any) -> OptionParser:
    """Return the parser of a command whose options are the fields of these dataclasses."""
    return OptionParser(dataclasses, prog=f"bbc-classifier {command}", allow_abbrev=False)
