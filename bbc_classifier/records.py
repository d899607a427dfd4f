"""Plain JSON and Parquet between stages, written whole or not at all."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
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
    """Read a JSON file written by `write_json`.

    Raises:
        InputError: It is damaged.
        OSError: It is not there, or may not be read.
    """
    return parse_json(path.read_bytes(), f"'{path}'")


def parse_json(content: bytes, place: str) -> Any:
    """Return what a JSON file holds that `write_json` wrote: finite numbers, and text that can be written again.

    Args:
        content: The file.
        place: What it is called, as the beginning of a sentence.

    Raises:
        InputError: It is no such file.
    """
    try:
        text = content.decode("utf-8")
        found = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if re.search(r"\\u[dD][89a-fA-F]", text):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InputError(f"{place} is damaged: it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{place} is damaged: a text in it holds half a character (a lone surrogate)") from error
    except ValueError as error:
        raise InputError(f"{place} is damaged: {error}") from error
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is larger than any number")
    return number
