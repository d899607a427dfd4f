"""Files and directories of results: written atomically, locked while in use, never over a user's own files."""

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bbc_classifier.errors import EnvironmentFailure, UserError

# Libraries written in Rust or C++ report a full disk in words only, torch.save not even that.
DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos")


@contextmanager
def atomic_write(path: Path, *, keep_others: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is created there replaces `path` on success and is removed on failure.

    An existing file or directory is replaced; with `keep_others` its files and directories that the new one has not
    move into the new one. A full disk and a missing permission raise `EnvironmentFailure`.
    """
    path = path.absolute()
    tmp_path, old = path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.old")
    remove(tmp_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield tmp_path
        if path.is_dir():
            remove(old)
            path.rename(old)
        tmp_path.replace(path)
        for entry in list(old.iterdir()) if keep_others and old.is_dir() else ():
            if not (path / entry.name).exists():
                entry.rename(path / entry.name)
        remove(old)
    except Exception as error:
        if is_disk_full(error):
            raise EnvironmentFailure(f"no space left on the disk for '{path}'; free some and run it again") from error
        if isinstance(error, PermissionError):
            raise EnvironmentFailure(f"cannot write to '{path}': {error.strerror}") from error
        raise
    finally:
        remove(tmp_path)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically; NaN and infinity, which JSON does not have, are a ValueError."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with line feeds on every system, atomically."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; anything else is a UserError."""
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
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        if is_full or any(message in str(error) for message in DISK_FULL_MESSAGES):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def directory_lock(path: Path, task: str) -> Iterator[None]:
    """Hold a directory of results, which need not exist, for this process; `task`, such as "training", is for messages.

    The lock is a hidden file beside it; the operating system releases it when the process ends. A directory that
    another process holds is a UserError.
    """
    from filelock import FileLock, Timeout

    path = path.absolute()
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        problem = f"another process is {task} in '{path}'"
        raise UserError(f"--output_dir: {problem}; wait for it or choose another directory") from error
    except OSError as error:
        raise EnvironmentFailure(f"--output_dir: cannot write to '{path}': {error.strerror}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes the file on release, and not before
            Path(lock.lock_file).unlink()
        lock.release()


def prepare_output_dir(flag: str, path: Path, *, overwrite: bool, marker: str) -> None:
    """Check that a directory may be written: it is absent or empty, or holds earlier results and `overwrite` is set.

    `marker` is a file that every directory of such results has, such as "audit.json"; `flag`, for the UserError, is the
    option that names the directory.
    """
    if path.is_file():
        raise UserError(f"{flag}: '{path}' is a file; choose a directory")
    if path.resolve() == Path.cwd():
        raise UserError(f"{flag}: this is the current directory; name one in it")
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
    """Return a file name without a table's extension, with hyphens in place of all but letters, digits and `_`."""
    stem = re.sub(r"\.(csv|tsv|jsonl?|parquet|xlsx|txt)$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "data"


def escape_markdown(text: object) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(str(text).split()))
