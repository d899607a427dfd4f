"""What a block of rows is, and what every kind of file does to give them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

# A block ends at so many bytes of its file, however few rows they are.
BLOCK_BYTES = 1 << 26


@dataclass(frozen=True)
class Block:
    """Rows of a file that follow each other, and where they begin.

    Attributes:
        first: How many rows of the file come before.
        rows: How many rows it has, those that cannot be read among them.
        offset: Bytes before it; 0 in a file that is not read by bytes.
        line: Lines before it; 0 in a file that has none.
    """

    first: int
    rows: int
    offset: int = 0
    line: int = 0


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read or classified.

    Attributes:
        row: Its number in the file, from 1.
        line: The line it begins on, from 1; None in a file that has none.
        reason: What is wrong with it.
    """

    row: int
    line: int | None
    reason: str


@dataclass(frozen=True)
class BlockRows:
    """The rows of a block.

    Attributes:
        table: Those that could be read, in their order.
        numbers: The number of each of them in the file, from 1.
        lines: The line that each begins on, from 1; None in a file that has none.
        bad: Those that could not, in their order.
    """

    table: pa.Table
    numbers: list[int]
    lines: list[int | None]
    bad: list[BadRow]


class BlockFile(ABC):
    """A file that is first surveyed, and then read block by block, in any order and by any number of processes.

    Attributes:
        path: The file.
        delimiter: Between the cells of CSV and TSV; None means what the ending says.
    """

    def __init__(self, path: Path, delimiter: str | None = None):
        self.path = path
        self.delimiter = delimiter

    @abstractmethod
    def survey(self, rows: int) -> tuple[pa.Schema, list[Block]]:
        """Go through the file once, in constant memory; return its columns and its blocks, each of `rows` rows at most.

        Raises:
            InputError: It is damaged as a whole, or nothing in it is a row.
        """

    @abstractmethod
    def read(self, block: Block, schema: pa.Schema, texts: Sequence[str]) -> BlockRows:
        """Read one block.

        Args:
            block: One that the survey gave.
            schema: The columns that the survey gave.
            texts: Columns in which only text is legal.

        Raises:
            InputError: The file is damaged there.
        """
