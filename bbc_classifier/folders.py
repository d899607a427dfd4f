"""A folder of results appears whole or not at all, and never over a person's own files."""

import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.full_disk import space_for
from bbc_classifier.records import partial


def folder_name(name: str) -> str:
    """Return a name for a folder of results: a file's name without its ending, and hyphens for what no folder may have.

    >>> folder_name("owner/news set.csv")
    'owner-news-set'
    """
    stem = name.rpartition(".")[0] or name
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "data"


def check_output_folder(folder: Path, *, overwrite: bool, kind: str, contents: Collection[str]) -> None:
    """Refuse to write over anything but an earlier result of the same kind, and over that only when told to.

    Args:
        folder: Folder to write.
        overwrite: Whether an earlier result may be replaced.
        kind: What the folder will hold, such as "evaluation"; the file `<kind>.json` marks one as ours.
        contents: The names of everything that we write there.

    Raises:
        InputError: The folder is a file, or it holds something that must stay.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output_dir: '{folder}' is a file; choose a folder")
    if is_empty(folder, contents):
        return
    if not overwrite:
        raise InputError(f"--output_dir: '{folder}' is not empty; add --overwrite or choose another folder")
    if not (folder / f"{kind}.json").is_file():
        raise InputError(f"--overwrite: '{folder}' holds files that are no {kind} of ours; they stay")
    refuse_strangers(folder, contents, kind)


def is_empty(folder: Path, contents: Collection[str]) -> bool:
    """Whether there is no such folder, or nothing in it but what a killed process of ours was writing."""
    return not folder.exists() or {path.name for path in folder.iterdir()} <= _halves(contents)


def discard(folder: Path) -> None:
    """Remove a folder at once: a process that is killed meanwhile leaves a hidden one beside, and no half of it."""
    if folder.exists():
        aside = discarded(folder)
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside)


def discarded(folder: Path) -> Path:
    """Return where a folder lies while it is removed."""
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.old")


def refuse_strangers(folder: Path, contents: Collection[str], kind: str) -> None:
    """Check that a folder that is to be replaced holds nothing but what we wrote.

    Raises:
        InputError: It holds something of somebody else's.
    """
    strangers = sorted({path.name for path in folder.iterdir()} - {*contents} - _halves(contents))
    if strangers:
        raise InputError(
            f"--overwrite: '{folder}' holds '{strangers[0]}', which is no part of the {kind} there; move it away first"
        )


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder` to write to, and put it in its place; remove it when the writing fails.

    Raises:
        WorldError: The folder cannot be made, or the disk is full.
    """
    folder = folder.resolve()
    beside = partial(folder)
    shutil.rmtree(beside, ignore_errors=True)
    leftover = first_missing(beside)
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        raise WorldError(f"--output_dir: cannot write to '{folder}': {error.strerror}") from error
    try:
        with space_for(folder):
            yield beside
            _put_in_place(beside, folder)
    except BaseException:
        shutil.rmtree(leftover, ignore_errors=True)
        raise


@contextmanager
def parts_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder` to write to, and move each part of it over what `folder` has, at the end.

    Raises:
        NoSpace: The disk is full; `folder` is then as it was.
    """
    beside = partial(folder.resolve())
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with space_for(folder):
            beside.mkdir(parents=True)
            yield beside
            folder.mkdir(parents=True, exist_ok=True)
        for part in sorted(beside.iterdir()):
            if part.is_dir():
                _put_in_place(part, folder.resolve() / part.name)
            else:
                part.replace(folder / part.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, folder: Path) -> None:
    """Rename a folder into its place; what was there goes after that, so that it is never half gone."""
    aside = discarded(folder)
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
    beside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _halves(contents: Collection[str]) -> set[str]:
    """Return the names that our files have while they are written."""
    return {partial(Path(name)).name for name in contents}


def first_missing(path: Path) -> Path:
    """Return the outermost folder of `path` that does not exist yet, or `path` itself where all above it do."""
    return next((folder for folder in [*reversed(path.parents), path] if not folder.exists()), path)
