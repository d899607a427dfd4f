"""Rows that cannot be learnt from: without a text or a label, or with a text that only a broken file has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from bbc_classifier.errors import InputError

# Far above any article; what is longer is most often half a file behind a quotation mark that is never closed.
MOST_CHARACTERS = 1_000_000
# What programs write into a text file where there is nothing.
NO_TEXT = ("nan", "NaN", "NAN", "<NA>", "null", "NULL", "None")


@dataclass(frozen=True)
class BrokenRow:
    """A row and what is wrong with it.

    Attributes:
        row: Its number in the table, from 0.
        row_id: Its id.
        column: "text" or "label".
        reason: What is wrong.
    """

    row: int
    row_id: str
    column: str
    reason: str


def broken_rows(table: Dataset) -> list[BrokenRow]:
    """Return every row that is broken, in the table's order, once each."""
    columns = table.with_format("arrow")[:]
    found = {row: ("label", "has no label") for row in _where(pc.is_null(columns["label"]))}
    found |= {row: ("text", reason) for row, reason in broken_texts(columns["text"]).items()}
    row_ids = columns["row_id"]
    return [BrokenRow(row, row_ids[row].as_py(), *found[row]) for row in sorted(found)]


def broken_texts(texts: pa.ChunkedArray) -> dict[int, str]:
    """Return what is wrong with each text that is broken, by its number."""
    trimmed = pc.utf8_trim_whitespace(texts)
    blank = pc.fill_null(pc.equal(trimmed, ""), True)
    length = pc.fill_null(pc.utf8_length(texts), 0)
    found = {row: "is empty" for row in _where(blank)}
    found |= {row: "holds a NUL character" for row in _where(pc.fill_null(pc.match_substring(texts, "\0"), False))}
    for row in _where(pc.fill_null(pc.is_in(trimmed, pa.array(NO_TEXT, trimmed.type)), False)):
        found[row] = f"says only '{trimmed[row].as_py()}', which stands for no text"
    for row in _where(pc.greater(length, MOST_CHARACTERS)):
        count = f"{length[row].as_py():,}"
        found[row] = f"has {count} characters, more than {MOST_CHARACTERS:,} (a quotation mark left open?)"
    return found


def refuse_broken_rows(broken: Sequence[BrokenRow], columns: Mapping[str, Any]) -> None:
    """Check that no row is broken.

    Args:
        broken: What `broken_rows` returned.
        columns: The source's own names of the columns, for the message.

    Raises:
        InputError: There is one; the message names the first and says how many more there are.
    """
    if not broken:
        return
    first = broken[0]
    names = columns.get(first.column, first.column)
    column = names if isinstance(names, str) else "', '".join(names)
    more = f"; of {len(broken)} broken rows it is the first" if len(broken) > 1 else ""
    raise InputError(
        f"row '{first.row_id}', column '{column}': {first.reason}{more}; every row needs a text and a label "
        "(--drop_broken_rows leaves such rows out)"
    )


def _where(mask: Any) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist()
