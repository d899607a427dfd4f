"""A folder of results appears whole or not at all, and never over a person's own files."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bbc_classifier.errors import InputError, WorldError


def folder_name(name: str) -> str:
    """Return a name for a folder of results: a file's name without its ending, and hyphens for what no folder may have.

    >>> folder_name("owner/news set.csv")
    'owner-news-set'
    """
    stem = name.rpartition(".")[0] or name
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "data"


def check_output_folder(folder: Path, *, overwrite: bool, kind: str) -> None:
    """Refuse to write over anything but an earlier result of the same kind, and over that only when told to.

    Args:
        folder: Folder to write.
        overwrite: Whether an earlier result may be replaced.
        kind: What the folder will hold, such as "evaluation"; the file `<kind>.json` marks one as ours.

    Raises:
        InputError: The folder is a file, or it holds something that must stay.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output_dir: '{folder}' is a file; choose a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"--output_dir: '{folder}' is not empty; add --overwrite or choose another folder")
    if not (folder / f"{kind}.json").is_file():
        raise InputError(f"--overwrite: '{folder}' holds files that are no {kind} of ours; they stay")


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder` to write to, and put it in its place; remove it when the writing fails.

    Raises:
        WorldError: The folder cannot be made.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        raise WorldError(f"--output_dir: cannot write to '{folder}': {error.strerror}") from error
    try:
        yield beside
        if folder.exists():
            shutil.rmtree(folder)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
