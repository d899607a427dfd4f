"""A folder of results appears whole or not at all, and never over a person's own files."""

import re
import shutil
from collections.abc import Collection, Iterator
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


def check_output_folder(
    folder: Path, *, overwrite: bool, kind: str, contents: Collection[str], flag: str = "--output_dir"
) -> None:
    """Refuse to write over anything but an earlier result of the same kind, and over that only when told to.

    Args:
        folder: Folder to write.
        overwrite: Whether an earlier result may be replaced.
        kind: What the folder will hold, such as "evaluation"; the file `<kind>.json` marks one as ours.
        contents: The names of everything that we write there.
        flag: The option that names the folder.

    Raises:
        InputError: The folder is a file, or it holds something that must stay.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{flag}: '{folder}' is a file; choose a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"{flag}: '{folder}' is not empty; add --overwrite or choose another folder")
    if not (folder / f"{kind}.json").is_file():
        raise InputError(f"--overwrite: '{folder}' holds files that are no {kind} of ours; they stay")
    refuse_strangers(folder, contents, kind)


def refuse_strangers(folder: Path, contents: Collection[str], kind: str) -> None:
    """Check that a folder that is to be replaced holds nothing but what we wrote.

    Raises:
        InputError: It holds something of somebody else's.
    """
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in contents)
    if strangers:
        raise InputError(
            f"--overwrite: '{folder}' holds '{strangers[0]}', which is no part of the {kind} there; move it away first"
        )


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder` to write to, and put it in its place; remove it when the writing fails.

    Raises:
        WorldError: The folder cannot be made.
    """
    folder = folder.resolve()
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    leftover = first_missing(beside)
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
        shutil.rmtree(leftover, ignore_errors=True)
        raise


def first_missing(path: Path) -> Path:
    """Return the outermost folder of `path` that does not exist yet, or `path` itself where all above it do."""
    return next((folder for folder in [*reversed(path.parents), path] if not folder.exists()), path)
