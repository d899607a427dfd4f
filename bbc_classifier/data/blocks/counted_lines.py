"""The lines of a text file, with their places in it; one that is no text is told and does not end the reading."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bbc_classifier.data.formats.raw_file import refuse_other_encoding

# The longest line that is read; what is longer is passed over.
LONGEST_LINE = 1 << 26
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CountedLines:
    """Yields lines as text, line ends included, of a place in a file on.

    Attributes:
        offset: Bytes before the next line.
        line: Lines before the next line.
        fault: What is wrong with a line since this was last set to None; such a line is yielded as well as it can be.
    """

    def __init__(self, file: BinaryIO, offset: int = 0, line: int = 0):
        self.offset, self.line = offset, line
        self.fault: str | None = None
        self._file = file
        file.seek(offset)

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that are left."""
        while raw := self._file.readline(LONGEST_LINE):
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                self.fault = f"a line is longer than {LONGEST_LINE >> 20} MiB"
                raw = b"\n"
                self._skip_line()
            if self.offset == 0:
                raw = raw.removeprefix(BYTE_ORDER_MARK)
            self.offset, self.line = self._file.tell(), self.line + 1
            yield self._decoded(raw)

    def _skip_line(self) -> None:
        while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            continue

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self.fault = f"byte 0x{raw[error.start]:02X} at byte {error.start} of line {self.line} is not UTF-8"
            return raw.decode("utf-8", errors="replace")


def open_lines(path: Path) -> BinaryIO:
    """Open a file of UTF-8 text.

    Raises:
        InputError: It begins as a file of another encoding, or as an archive.
    """
    file = path.open("rb")
    try:
        refuse_other_encoding(path, file.read(4096))
    except BaseException:
        file.close()
        raise
    return file
