"""Plain JSON and Parquet between stages, written whole or not at all."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bbc_classifier.full_disk import space_for


def partial(path: Path) -> Path:
    """Return the hidden place beside `path` where it is written until it is whole; a killed process may leave it."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a hidden file beside `path` to write to, and rename it into place; remove it when the writing fails.

    Raises:
        NoSpace: The disk is full.
    """
    beside = partial(path)
    try:
        with space_for(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Mapping[str, Any] | list[Any]) -> None:
    """Write `content` as indented JSON, whole or not at all.

    Raises:
        ValueError: The content holds NaN or an infinity, which JSON has no word for.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, with line feeds on every system, whole or not at all."""
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """Read a JSON file written by `write_json`."""
    return json.loads(path.read_text(encoding="utf-8"))
