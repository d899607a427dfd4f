"""The file of duplicate pairs, by row id: no word of a text is in it."""

import csv
from collections.abc import Iterator
from pathlib import Path

from bbc_classifier.audit.distinct_texts import DistinctTexts
from bbc_classifier.audit.rows import Rows
from bbc_classifier.records import written_whole
from bbc_classifier.spreadsheet import plain_cell

COLUMNS = (
    "kind",
    "jaccard",
    "first_row_id",
    "second_row_id",
    "first_label",
    "second_label",
    "first_side",
    "second_side",
)


def write_pairs(texts: DistinctTexts, rows: Rows, path: Path) -> None:
    """Write the duplicate pairs as CSV.

    The k rows of one text are k - 1 lines, each with the row that stands for the text; two near-duplicate texts are one
    line, with the rows that stand for them.
    """
    with written_whole(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for kind, similarity, first, second in _pairs(texts, rows):
            writer.writerow([kind, f"{similarity:.4f}", *map(plain_cell, _both(rows, first, second))])


def _pairs(texts: DistinctTexts, rows: Rows) -> Iterator[tuple[str, float, int, int]]:
    for first, *others in texts.rows_by_text().values():
        for other in others:
            yield "exact", 1.0, first, other
    for (one, another), similarity in zip(texts.pairs, texts.jaccard, strict=True):
        # The one on the earlier side first, as among exact copies.
        first, second = sorted(
            (int(texts.first[one]), int(texts.first[another])), key=lambda row: (rows.sides[row], row)
        )
        yield "near", float(similarity), first, second


def _both(rows: Rows, first: int, second: int) -> list[str]:
    sides = [rows.side_names[rows.sides[row]] if rows.has_sides else "" for row in (first, second)]
    return [
        *(rows.row_ids[row] for row in (first, second)),
        *(" | ".join(rows.names_of(row)) for row in (first, second)),
        *sides,
    ]
