"""The picture of an audit is one to look at, whatever the data set has or lacks."""

import struct
from pathlib import Path

import numpy as np
import pytest

from bbc_classifier.audit.figure import draw_audit
from bbc_classifier.audit.findings import findings
from bbc_classifier.audit.lengths import TokenCounts
from bbc_classifier.data.options import DataArguments
from tests.audit.conftest import examine, table_of

SPREAD = {"mean": 0.07, "min": 0.05, "max": 0.1}


def found_of(labels: int, **others: object) -> dict:
    """Return what the figure reads of the findings."""
    rows = {f"label {index} of a data set with long names": 10 + index for index in range(labels)}
    own = {"random": {"exact_share": SPREAD, "exact_or_near_share": SPREAD}, "grouped": {"missing_because": "few"}}
    found = {"labels": {"rows": rows, "rows_by_side": None}, "near_duplicates": {}, "leaked": None, "own_split": own}
    return {**found, **others}


def draw(path: Path, found: dict, lengths: list[int], unit: str = "tokens (tiny)") -> tuple[int, int]:
    draw_audit(found, np.array(lengths), unit, path, "made by hand, 3 rows")
    return struct.unpack(">II", path.read_bytes()[16:24])


@pytest.mark.parametrize(
    ("labels", "lengths"), [(1, [1]), (5, [7, 7, 7]), (20, [3, 300, 5_000]), (21, [120, 130]), (200, [])]
)
def test_any_number_of_labels_and_any_lengths_are_a_picture_to_look_at(tmp_path, labels, lengths, recwarn):
    width, height = draw(tmp_path / "audit.png", found_of(labels), lengths)
    assert width == 1500 and 700 <= height <= 1300
    assert not recwarn.list


@pytest.mark.parametrize(
    "others",
    [
        {"leaked": {}, "own_split": None},
        {"near_duplicates": None},
        {"own_split": {"random": None, "grouped": {"exact_share": 0.0, "exact_or_near_share": 0.0}}},
    ],
    ids=["nothing to leak from", "near duplicates not looked for", "no random split"],
)
def test_what_is_missing_is_left_out(tmp_path, others, recwarn):
    assert draw(tmp_path / "audit.png", found_of(3, **others), [20, 30], "words")
    assert not recwarn.list


def test_equal_findings_are_equal_files(tmp_path, ready_made):
    rows, texts = ready_made
    found = findings(rows, texts, TokenCounts("none", None, "not asked for"), DataArguments())
    draw(tmp_path / "one.png", found, [20, 30])
    draw(tmp_path / "two.png", found, [20, 30])
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "one.png").read_bytes().lower()


def test_a_table_of_one_row_can_be_drawn(tmp_path):
    rows, texts = examine(table_of([("r1", "goal", "sport")]))
    found = findings(rows, texts, TokenCounts("none", None, "not asked for"), DataArguments())
    assert draw(tmp_path / "audit.png", found, [1], "words")
