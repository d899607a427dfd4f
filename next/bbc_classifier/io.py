"""Files and directories of results: written atomically, locked while in use, never over a user's own files."""

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bbc_classifier.errors import EnvironmentFailure, UserError

# Libraries written in Rust or C++ report a full disk in words only, torch.save not even that.
DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is created there replaces `path` on success and is removed on failure.

    Args:
        path: File or directory to write. An existing one is replaced.

    Raises:
        EnvironmentFailure: The disk is full or the directory cannot be written.
    """
    path = path.absolute()
    tmp_path = path.with_name(f".{path.name}.tmp")
    remove(tmp_path)
    missing = next((parent for parent in [*reversed(path.parents), path] if not parent.exists()), path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield tmp_path
        if path.is_dir():
            old = path.with_name(f".{path.name}.old")
            remove(old)
            path.rename(old)
            tmp_path.rename(path)
            remove(old)
        else:
            tmp_path.replace(path)
    except BaseException as error:
        remove(tmp_path)
        if missing != path and missing.is_dir() and not any(entry.is_file() for entry in missing.rglob("*")):
            remove(missing)
        if is_disk_full(error):
            raise EnvironmentFailure(f"no space left on the disk for '{path}'; free some and run it again") from error
        if isinstance(error, PermissionError):
            raise EnvironmentFailure(f"cannot write to '{path}': {error.strerror}") from error
        raise


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically.

    Raises:
        ValueError: The content holds NaN or infinity, which JSON does not have.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with line feeds on every system, atomically."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        UserError: The file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"'{path}' is not a JSON file: {error}") from error


def remove(path: Path) -> None:
    """Remove a file or a directory with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error, or one that caused it, reports a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            return True
        if any(message in str(error) for message in DISK_FULL_MESSAGES):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def directory_lock(path: Path, task: str) -> Iterator[None]:
    """Hold a directory of results for this process; the operating system releases it when the process ends.

    Args:
        path: The directory, which need not exist. The lock is a hidden file beside it, removed afterwards.
        task: What is done there, for the message: "training".

    Raises:
        UserError: Another process holds it.
        EnvironmentFailure: The parent directory cannot be written.
    """
    from filelock import FileLock, Timeout

    path = path.absolute()
    created = [parent for parent in path.parents if not parent.exists()]
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"--output_dir: another process is {task} in '{path}'; wait for it or choose another directory"
        ) from error
    except OSError as error:
        raise EnvironmentFailure(f"--output_dir: cannot write to '{path}': {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)
        for parent in created:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def prepare_output_dir(flag: str, path: Path, *, overwrite: bool, marker: str) -> None:
    """Check that a directory may be written: it is absent or empty, or holds earlier results that may be replaced.

    Args:
        flag: The option that names the directory, for the message.
        path: The directory.
        overwrite: Whether earlier results may be replaced.
        marker: File that every directory of such results has, such as "audit.json".

    Raises:
        UserError: It holds something else, or earlier results without `overwrite`.
    """
    if path.is_file():
        raise UserError(f"{flag}: '{path}' is a file; choose a directory")
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / marker).is_file():
        raise UserError(f"{flag}: '{path}' holds other files; choose another directory")
    if not overwrite:
        raise UserError(f"{flag}: '{path}' already holds results; add --overwrite or choose another directory")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def slug(name: str) -> str:
    """Return a name for a file or directory: no extension, hyphens for everything but letters, digits and `_`.

    >>> slug("owner/news set.csv")
    'owner-news-set'
    """
    stem = name.rpartition(".")[0] or name
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "data"


def escape_markdown(text: object) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(str(text).split()))
