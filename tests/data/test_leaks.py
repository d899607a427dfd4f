"""Leaks: rows whose text, or nearly their text, stands on another side; test stays whole when they are removed."""

import pytest

from bbc_classifier.data.duplicates import Duplicates, NearDuplicates
from bbc_classifier.data.leaks import count_leaks, leaked_rows, unleaked_rows

# Keys a to d; "a" and "b" are near duplicates. Each row: its key and its side.
NEAR = [NearDuplicates("a", "b", 0.9)]
ROWS = [
    ("a", "train"),  # 0: nearly row 5
    ("c", "train"),  # 1: row 3
    ("d", "train"),  # 2: nobody
    ("c", "validation"),  # 3: row 1
    ("b", "validation"),  # 4: row 5, and nearly row 0
    ("b", "test"),  # 5
    ("e", "test"),  # 6: nobody
]
DUPLICATES = Duplicates([key for key, _ in ROWS], NEAR)
SIDES = [side for _, side in ROWS]


@pytest.mark.parametrize(
    ("side", "others", "rows"),
    [
        ("train", ("test",), [0]),
        ("train", ("validation", "test"), [0, 1]),
        ("validation", ("train",), [3, 4]),
        ("validation", ("test",), [4]),
        ("test", ("train",), [5]),
        ("test", ("train", "validation"), [5]),
        ("test", (), []),
    ],
    ids=str,
)
def test_a_leak_is_an_exact_or_near_duplicate_on_one_of_the_other_sides(side, others, rows):
    assert leaked_rows(DUPLICATES, SIDES, side, set(others)) == rows


def test_leaks_are_counted_on_the_later_side():
    assert count_leaks(DUPLICATES, SIDES) == {"validation": 2, "test": 1}
    assert count_leaks(Duplicates(DUPLICATES.keys), SIDES) == {"validation": 1, "test": 1}


def test_a_row_on_no_side_leaks_nothing():
    sides = [None, None, "train", "validation", None, "test", "test"]
    assert count_leaks(DUPLICATES, sides) == {"validation": 0, "test": 0}


def test_removing_leaks_keeps_the_later_side_whole():
    rows = unleaked_rows(DUPLICATES, SIDES)
    assert rows == [2, 3, 5, 6]
    left = Duplicates([ROWS[row][0] for row in rows], NEAR)
    assert count_leaks(left, [SIDES[row] for row in rows]) == {"validation": 0, "test": 0}


def test_duplicates_on_one_side_are_no_leaks():
    twice = Duplicates(["a", "a", "b"], NEAR)
    assert unleaked_rows(twice, ["train", "train", "train"]) == [0, 1, 2]
    assert count_leaks(twice, ["test", "test", "test"]) == {"validation": 0, "test": 0}
