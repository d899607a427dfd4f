"""One process at a time in a folder: whoever comes second is told, and changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bbc_classifier.errors import InputError, WorldError


@contextmanager
def locked(folder: Path, part: str = "", *, wait: bool = False, flag: str = "--output_dir") -> Iterator[None]:
    """Hold the folder for this process; the operating system lets go of it when the process ends, however it ends.

    The lock is a hidden file beside the folder, so that a folder can be replaced while it is held.

    Args:
        folder: The folder, there or not.
        part: Which part of the work is held, where several processes share it; none is all of it.
        wait: Wait for another process to end.
        flag: The option that names the folder.

    Raises:
        InputError: Another process is at work there.
        WorldError: The file beside the folder cannot be written.
    """
    place = folder.resolve()
    made = [parent for parent in place.parents if not parent.exists()]
    name = f".{place.name}.{part}.lock" if part else f".{place.name}.lock"
    lock = FileLock(place.with_name(name), timeout=-1 if wait else 0)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise InputError(f"{flag}: another process is at work in '{folder}'; wait for it or choose another") from error
    except OSError as error:
        raise WorldError(f"{flag}: cannot write to '{folder}': {error.strerror}") from error
    try:
        yield
    finally:
        # While it is held: whoever waits for a file without a name makes a new one. Windows keeps an open file's name.
        with suppress(PermissionError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        _remove_if_empty(made)


def _remove_if_empty(made: list[Path]) -> None:
    """Remove folders that were made for the lock alone, the innermost first."""
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
