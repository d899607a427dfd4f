"""What every file must be before it is parsed: there, a file, not empty, no larger than memory; and of text, UTF-8."""

import codecs
import os
from pathlib import Path

from bbc_classifier.data.formats.free_memory import free_memory
from bbc_classifier.errors import InputError, WorldError

CHUNK = 1 << 22
BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
ARCHIVE_MARKS = {b"\x1f\x8b": "a gzip file", b"PK": "a zip archive (as .xlsx is)"}


def check_file(path: Path) -> None:
    """Check that `path` is a file with something in it that fits into memory.

    Raises:
        InputError: It is not.
        WorldError: It may not be read.
    """
    check_readable(path)
    check_fits_memory(path, path.stat().st_size)


def check_readable(path: Path) -> None:
    """Check that `path` is a file with something in it.

    Raises:
        InputError: It is not.
        WorldError: It may not be read.
    """
    refuse_other_name(path)
    try:
        if path.is_dir():
            raise InputError(f"'{path}' is a folder where a file is meant")
        if not path.is_file():
            raise InputError(f"there is no file '{path}'")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"'{path}' is empty")
    except OSError as error:
        raise WorldError(f"cannot read '{path}': {error.strerror}") from error


def refuse_other_name(path: Path) -> None:
    """Check that a file's name is UTF-8, as the row ids must be that are made of it.

    Raises:
        InputError: It is not.
    """
    name = os.fspath(path)
    if not name.isascii() and any("\udc80" <= letter <= "\udcff" for letter in name):
        raise InputError(f"the name {name!a} is not UTF-8; rename the file or folder")


def check_fits_memory(path: Path, size: int, free: int | None = None) -> None:
    """Check that `size` bytes, the file unpacked, take at most half of the memory that is free.

    Args:
        path: The file, for the message.
        size: Bytes it takes, or is known to take at least.
        free: What was free before any of it was read; None asks now.

    Raises:
        InputError: They take more.
    """
    free = free_memory() if free is None else free
    if size > free / 2:
        raise InputError(
            f"'{path}' takes at least {size / 2**30:,.1f} GiB once unpacked; half of the free memory "
            f"({free / 2**30:.1f} GiB) is the limit: split the file"
        )


def check_text(path: Path) -> None:
    """Check that a file is UTF-8 without NUL bytes, as every text format here must be.

    Raises:
        InputError: It is not; the message names the first wrong byte, its place and its line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, line = 0, 1
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if place == 0:
                refuse_other_encoding(path, chunk)
            _refuse_nul(path, chunk, place, line)
            _decode(path, decoder, chunk, place, line)
            place += len(chunk)
            line += chunk.count(b"\n")
    _decode(path, decoder, b"", place, line, final=True)


def refuse_other_encoding(path: Path, start: bytes) -> None:
    """Check that the first bytes of a file are not those of another encoding, or of an archive.

    Raises:
        InputError: They are.
    """
    mark = start[:2]
    if mark in BYTE_ORDER_MARKS:
        raise InputError(f"'{path}' is {BYTE_ORDER_MARKS[mark]} (byte order mark at byte 0), not UTF-8; convert it")
    if mark in ARCHIVE_MARKS and b"\0" in start:
        raise InputError(f"'{path}' is {ARCHIVE_MARKS[mark]}, not a text file; unpack it")


def _refuse_nul(path: Path, chunk: bytes, place: int, line: int) -> None:
    found = chunk.find(b"\0")
    if found >= 0:
        line += chunk.count(b"\n", 0, found)
        raise InputError(f"'{path}', line {line}: NUL byte at byte {place + found}; a text file has none (UTF-16?)")


def _decode(
    path: Path, decoder: codecs.IncrementalDecoder, chunk: bytes, place: int, line: int, *, final: bool = False
) -> None:
    # What the decoder kept of the chunk before stands in front of this one.
    kept = len(decoder.getstate()[0])
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        found = place - kept + error.start
        line += chunk.count(b"\n", 0, max(0, error.start - kept))
        raise InputError(
            f"'{path}', line {line}: byte 0x{error.object[error.start]:02X} at byte {found} is not UTF-8; "
            "convert the file (no other encoding is tried)"
        ) from error
