"""A note of ours, sealed with the hash of what it says: one that was changed or cut is as one that is not there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.provenance import text_sha256
from bbc_classifier.records import read_json, write_json

SEAL = "seal"


def write_note(path: Path, content: Mapping[str, Any]) -> None:
    """Write a note, whole or not at all."""
    write_json(path, {**content, SEAL: _seal(content)})


def read_note(path: Path) -> dict[str, Any] | None:
    """Return what a note says; None where it is not there, or not as it was written."""
    if not path.is_file():
        return None
    try:
        content = read_json(path)
    except (InputError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    seal = content.pop(SEAL, None)
    return content if seal == _seal(content) else None


def _seal(content: Mapping[str, Any]) -> str:
    return text_sha256(json.dumps(content, sort_keys=True))
