"""Blocks of a text file: found by the bytes they begin at, so that each can be read without those before it."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.block import BLOCK_BYTES, BadRow, Block, BlockFile, BlockRows
from bbc_classifier.data.blocks.counted_lines import CountedLines, open_lines
from bbc_classifier.errors import InputError


@dataclass(frozen=True)
class TextRow:
    """A row as it stands in the file.

    Attributes:
        line: The line it begins on, from 1.
        values: What it holds; None where it cannot be read.
        fault: Why not; None where it can.
    """

    line: int
    values: Any
    fault: str | None = None


class TextBlockFile(BlockFile):
    """A file of lines; a kind says what a row is, and which columns there are."""

    @abstractmethod
    def rows(self, lines: CountedLines) -> Iterator[TextRow]:
        """Yield every row from where the lines are on, and take no line more than it needs before each."""

    @abstractmethod
    def begin(self, lines: CountedLines) -> None:
        """Take what stands before the first row, and forget what was noted before."""

    @abstractmethod
    def note(self, row: TextRow) -> None:
        """Take note of a row's columns, in a survey."""

    @abstractmethod
    def schema(self) -> pa.Schema:
        """Return the columns, once every row has been noted."""

    @abstractmethod
    def fault(self, values: Any, schema: pa.Schema, texts: Sequence[str]) -> str | None:
        """Return what is wrong with a row that could be read; None where nothing is."""

    @abstractmethod
    def table(self, rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
        """Return rows as a table."""

    def survey(self, rows: int) -> tuple[pa.Schema, list[Block]]:
        """Go through the file once; return its columns and its blocks.

        Raises:
            InputError: It is damaged as a whole, or nothing in it is a row.
        """
        blocks: list[Block] = []
        with open_lines(self.path) as file:
            lines = CountedLines(file)
            self.begin(lines)
            here = Block(0, 0, lines.offset, lines.line)
            for row in self.rows(lines):
                here = replace(here, rows=here.rows + 1)
                self.note(row)
                if here.rows == rows or lines.offset - here.offset >= BLOCK_BYTES:
                    blocks.append(here)
                    here = Block(here.first + here.rows, 0, lines.offset, lines.line)
        blocks += [here] if here.rows else []
        if not blocks:
            raise InputError(f"'{self.path}' holds no row")
        return self.schema(), blocks

    def read(self, block: Block, schema: pa.Schema, texts: Sequence[str]) -> BlockRows:
        """Read one block.

        Raises:
            InputError: The file ends before it does.
        """
        good: list[Any] = []
        numbers: list[int] = []
        where: list[int | None] = []
        bad: list[BadRow] = []
        with open_lines(self.path) as file:
            rows = islice(self.rows(CountedLines(file, block.offset, block.line)), block.rows)
            for number, row in enumerate(rows, block.first + 1):
                fault = row.fault or self.fault(row.values, schema, texts)
                if fault:
                    bad.append(BadRow(number, row.line, fault))
                else:
                    good.append(row.values)
                    numbers.append(number)
                    where.append(row.line)
        if len(good) + len(bad) < block.rows:
            raise InputError(f"'{self.path}' is shorter than it was")
        return BlockRows(self.table(good, schema), numbers, where, bad)
