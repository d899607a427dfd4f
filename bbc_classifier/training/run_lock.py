"""One run at a time in a folder: whoever comes second is told, and changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bbc_classifier.errors import InputError, WorldError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the operating system lets go of it when the process ends, however it ends.

    The lock is a hidden file beside the folder, so that a folder can be replaced while it is held.

    Raises:
        InputError: Another process is at work there.
        WorldError: The file beside the folder cannot be written.
    """
    place = folder.resolve()
    lock = FileLock(place.with_name(f".{place.name}.lock"), timeout=0)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"--output_dir: another process is training in '{folder}'; wait for it or choose another"
        ) from error
    except OSError as error:
        raise WorldError(f"--output_dir: cannot write to '{folder}': {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
