"""One process at a time in a folder of results: whoever comes second is told, and changes nothing."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.folders import discarded


@contextmanager
def locked(folder: Path, doing: str, *, part: str | None = None, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the folder for this process; the operating system lets go of it when the process ends, however it ends.

    The lock is a hidden file beside the folder, so that a folder can be replaced while it is held. What a killed
    process had begun to remove there is removed.

    Args:
        folder: The folder.
        doing: What is done there, for whoever comes second: "training".
        part: What of the folder is held, where several processes may work there; None holds the folder itself.
        wait_seconds: How long to wait for another process.

    Raises:
        InputError: Another process is at work there.
        WorldError: The file beside the folder cannot be written.
    """
    place = folder.resolve()
    made = [parent for parent in place.parents if not parent.exists()]
    lock = FileLock(lock_file(place, part), timeout=wait_seconds)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise taken(folder, doing) from error
    except OSError as error:
        raise WorldError(f"--output_dir: cannot write to '{folder}': {error.strerror}") from error
    try:
        if part is None:
            shutil.rmtree(discarded(folder), ignore_errors=True)
        yield
    finally:
        # While it is held: whoever waits for a file without a name makes a new one. Windows keeps an open file's name.
        with suppress(PermissionError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        _remove_if_empty(made)


def taken(folder: Path, doing: str) -> InputError:
    """Return the refusal of a folder in which another process is at work."""
    return InputError(f"--output_dir: another process is {doing} in '{folder}'; wait for it or choose another")


def lock_file(folder: Path, part: str | None = None) -> Path:
    """Return the file that holds a folder, or a part of what is done in it."""
    return folder.with_name(f".{folder.name}{f'.{part}' if part else ''}.lock")


def parts_at_work(folder: Path, part: str) -> list[str]:
    """Return the parts of a folder that other processes or this one hold; files of killed ones are cleared away.

    Args:
        folder: The folder.
        part: A pattern of the parts that are meant.
    """
    place = folder.resolve()
    if not place.parent.is_dir():
        return []
    pattern = re.compile(rf"\.{re.escape(place.name)}\.({part})\.lock")
    found = {match[1]: file for file in place.parent.iterdir() if (match := pattern.fullmatch(file.name))}
    return sorted(part for part, file in found.items() if _is_held(file))


def _is_held(file: Path) -> bool:
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    with suppress(PermissionError):
        file.unlink(missing_ok=True)
    lock.release()
    return False


def _remove_if_empty(made: list[Path]) -> None:
    """Remove folders that were made for the lock alone, the innermost first."""
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
