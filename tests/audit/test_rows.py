"""Every row is read, whatever is missing in it, and what is wrong with it is seen."""

import numpy as np

from bbc_classifier.audit.rows import NO_SIDES, read_rows
from tests.audit.conftest import LABELS, table_of


def test_sides_labels_words_and_what_is_wrong(ready_made):
    rows, _ = ready_made
    assert len(rows) == 14
    assert rows.row_ids[0] == "train:1" and rows.row_ids[-1] == "test:7"
    assert rows.has_sides and rows.side_names == ("train", "validation", "test")
    assert rows.sides.tolist() == [0] * 5 + [1] * 2 + [2] * 7
    assert rows.labels[:5] == [(0,), (1,), (2,), (2,), None]
    assert rows.label_names == LABELS and not rows.multi_label
    assert rows.words.tolist() == [19, 20, 19, 0, 22, 21, 2, 19, 20, 2, 3, 0, 2, 2]
    assert np.flatnonzero(rows.blank).tolist() == [3, 11]
    assert np.flatnonzero(rows.broken).tolist() == [12, 13]


def test_a_row_can_have_several_labels_or_none_and_none_is_not_missing():
    table = table_of([("r1", "x", ["tech", "sport"]), ("r2", "y", []), ("r3", "z", None)], multi_label=True)
    rows = read_rows(table)
    assert rows.multi_label and not rows.has_sides and rows.side_names == NO_SIDES
    assert rows.labels == [(1, 2), (), None]
    assert [some.tolist() for some in rows.with_label()] == [[], [0], [0]]
    assert rows.names_of(0) == ["sport", "tech"] and rows.names_of(2) == []


def test_only_the_sides_that_have_rows_are_named():
    rows = read_rows(table_of([("r1", "x", "tech", "test"), ("r2", "y", "tech", "train")]))
    assert rows.side_names == ("train", "test")
    assert rows.sides.tolist() == [1, 0]


def test_tabs_and_line_ends_break_nothing_and_a_text_beyond_a_million_characters_does():
    table = table_of([("r1", "a\tb\r\nc\n", "tech"), ("r2", "x" * 1_000_001, "tech"), ("r3", "price\x96", "tech")])
    assert read_rows(table).broken.tolist() == [False, True, True]


def test_more_rows_than_a_batch_are_all_read():
    rows = read_rows(table_of([(f"r{index}", "word " * (index % 7), "tech") for index in range(2_345)]))
    assert rows.words.tolist() == [index % 7 for index in range(2_345)]
    assert rows.blank.sum() == 335
