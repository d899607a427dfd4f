"""Plain JSON and Parquet between stages, written whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Mapping[str, Any] | list[Any]) -> None:
    """Write `content` beside `path` and rename it into place, so that a reader never sees half a file.

    Raises:
        ValueError: The content holds NaN or an infinity, which JSON has no word for.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 beside `path` and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


def read_json(path: Path) -> Any:
    """Read a JSON file written by `write_json`."""
    return json.loads(path.read_text(encoding="utf-8"))
