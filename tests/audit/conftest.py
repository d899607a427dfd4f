"""Small tables of which everything is counted by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from bbc_classifier.audit.distinct_texts import DistinctTexts, find_distinct_texts
from bbc_classifier.audit.rows import Rows, read_rows
from bbc_classifier.data.options import DataArguments

LABELS = ["business", "sport", "tech"]
STORY = "shares fell in early trading on friday as investors waited for the figures of the largest bank in london"
MATCH = "the striker scored twice in the final and the club won the cup for the first time in thirty years"
PHONE = "the new phone has a larger screen and a better camera but its battery lasts no longer than a day of use"
# 15, 15 and 18 shingles; a word more makes one shingle more.
STORY_TODAY, MATCH_AGAIN = f"{STORY} today", f"{MATCH} again"

# row id, text, label, side
READY_MADE: list[tuple[str, str | None, Any, str]] = [
    ("train:1", STORY, "business", "train"),
    ("train:2", MATCH, "sport", "train"),
    ("train:3", STORY.upper(), "tech", "train"),
    ("train:4", None, "tech", "train"),
    ("train:5", PHONE, None, "train"),
    ("validation:1", MATCH_AGAIN, "business", "validation"),
    ("validation:2", "a goal", "sport", "validation"),
    ("test:1", f"{STORY}!", "business", "test"),
    ("test:2", STORY_TODAY, "business", "test"),
    ("test:3", "A goal.", "sport", "test"),
    ("test:4", "nothing like it", "tech", "test"),
    ("test:5", "  \n", "tech", "test"),
    ("test:6", "broken \ufffd text", "tech", "test"),
    ("test:7", "broken \x07 bell", "tech", "test"),
]


class TableSource:
    """A source that holds a table."""

    name = "acme/made by hand"

    def __init__(self, table: Dataset):
        self.table = table

    def read(self) -> Dataset:
        return self.table

    def provenance(self) -> dict[str, Any]:
        return {"name": self.name}


def table_of(rows: list[tuple], *, multi_label: bool = False) -> Dataset:
    """Return rows of (row id, text, label) or of (row id, text, label, side) as a source would."""
    names = ("row_id", "text", "label", "side")[: len(rows[0])]
    label = ClassLabel(names=LABELS)
    features = Features(
        {name: List(label) if name == "label" and multi_label else Value("string") for name in names}
        if multi_label
        else {name: label if name == "label" else Value("string") for name in names}
    )
    return Dataset.from_list([dict(zip(names, row, strict=True)) for row in rows], features=features)


def examine(table: Dataset, *, near: bool = True) -> tuple[Rows, DistinctTexts]:
    """Return the rows of a table and their distinct texts."""
    rows = read_rows(table)
    return rows, find_distinct_texts(table, rows, near=near)


@pytest.fixture(scope="session")
def ready_made() -> tuple[Rows, DistinctTexts]:
    return examine(table_of(READY_MADE))


@pytest.fixture
def audit_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Dataset], None]:
    """Return a function that makes every audit read the given table."""

    def use(table: Dataset) -> None:
        def source(options: DataArguments) -> TableSource:
            return TableSource(table)

        monkeypatch.setattr("bbc_classifier.audit.run.open_source", source)

    return use
