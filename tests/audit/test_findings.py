"""The findings of a small table with planted duplicates and leaks, each counted by hand."""

import numpy as np
import pytest

from bbc_classifier.audit.findings import findings
from bbc_classifier.audit.lengths import TokenCounts, summary
from bbc_classifier.data.options import DataArguments
from tests.audit.conftest import MATCH, STORY, STORY_TODAY, examine, table_of

NO_TOKENS = TokenCounts("none", None, "not asked for")


def find(table, *, near: bool = True) -> dict:
    rows, texts = examine(table, near=near)
    return findings(rows, texts, NO_TOKENS, DataArguments())


@pytest.fixture(scope="module")
def found(ready_made) -> dict:
    rows, texts = ready_made
    return findings(rows, texts, TokenCounts("tiny", np.array([130, *[20] * 12, 600])), DataArguments())


def test_rows_texts_and_groups(found):
    # 14 rows, 2 of them empty; the story stands thrice and the goal twice.
    assert (found["rows"], found["distinct"]) == (14, 9)
    # The story and the story of today are one group, and so are both matches.
    assert found["groups"] == 7
    assert found["sides"] == {"train": 5, "validation": 2, "test": 7}


def test_labels_of_each_side(found):
    assert found["labels"]["rows"] == {"business": 4, "sport": 3, "tech": 6}
    assert found["labels"]["rows_by_side"] == {
        "train": {"business": 1, "sport": 1, "tech": 2},
        "validation": {"business": 1, "sport": 1, "tech": 0},
        "test": {"business": 2, "sport": 1, "tech": 4},
    }


def test_rows_that_lack_something_are_listed(found):
    assert found["empty"] == {"count": 2, "row_ids": ["train:4", "test:5"]}
    assert found["unlabelled"] == {"count": 1, "row_ids": ["train:5"]}
    assert found["broken"] == {"count": 2, "row_ids": ["test:6", "test:7"]}


def test_lengths_are_of_the_texts_that_are_not_empty(found):
    words = found["lengths"]["words"]
    # 2 2 2 2 3 19 19 19 20 20 21 22
    assert words["all"] == {"min": 2, "median": 19, "mean": 12.6, "p90": 20.9, "p99": 21.9, "max": 22}
    assert words["labels"]["sport"] == {"min": 2, "median": 2, "mean": 8, "p90": 16.4, "p99": 19.6, "max": 20}
    assert found["lengths"]["tokens"]["encoder"] == "tiny"
    assert found["lengths"]["tokens"]["share_longer_than"] == {"128": 0.1667, "256": 0.0833, "512": 0.0833}
    assert found["lengths"]["tokens"]["all"]["max"] == 600


def test_exact_and_near_pairs_within_and_across_sides(found):
    # The story: two rows in train, one in test. The goal: validation and test.
    assert found["exact_duplicates"] == {
        "surplus_rows": 3,
        "texts_repeated": 2,
        "row_pairs_by_side": {
            "train": {"train": 1, "validation": 0, "test": 2},
            "validation": {"validation": 0, "test": 1},
            "test": {"test": 0},
        },
    }
    # The story of today is near each of the three rows of the story; both matches are near.
    assert found["near_duplicates"] == {
        "text_pairs": 2,
        "row_pairs_by_side": {
            "train": {"train": 0, "validation": 1, "test": 2},
            "validation": {"validation": 0, "test": 0},
            "test": {"test": 1},
        },
    }


def test_labels_that_disagree_are_listed(found):
    conflicts = found["conflicting_labels"]
    assert conflicts["exact"] == {"texts": 1, "row_ids": [["train:1", "train:3", "test:1"]]}
    assert conflicts["near"]["text_pairs"] == 2
    assert sorted(map(sorted, conflicts["near"]["row_ids"])) == [
        ["test:1", "test:2", "train:1", "train:3"],
        ["train:2", "validation:1"],
    ]


def test_every_planted_leak_is_found_by_id(found):
    assert found["own_split"] is None
    test = found["leaked"]["test"]
    assert test["rows"] == 7
    assert test["row_ids"] == ["test:1", "test:2", "test:3"]
    train = {"exact": 1, "exact_share": 0.1429, "exact_or_near": 2, "exact_or_near_share": 0.2857}
    validation = {"exact": 1, "exact_share": 0.1429, "exact_or_near": 1, "exact_or_near_share": 0.1429}
    assert test["from_train"] == train and test["from_validation"] == validation
    assert test["from_any"] == {"exact": 2, "exact_share": 0.2857, "exact_or_near": 3, "exact_or_near_share": 0.4286}
    assert found["leaked"]["validation"]["row_ids"] == ["validation:1"]
    assert found["leaked"]["validation"]["from_train"]["exact"] == 0


def test_without_near_duplicates_nothing_is_said_of_them():
    found = find(table_of([("r1", STORY, "tech", "train"), ("r2", STORY_TODAY, "tech", "test")]), near=False)
    assert found["groups"] is None and found["near_duplicates"] is None
    assert found["conflicting_labels"]["near"] is None
    assert found["leaked"]["test"]["from_any"] == {
        "exact": 0,
        "exact_share": 0.0,
        "exact_or_near": None,
        "exact_or_near_share": None,
    }


def test_a_single_side_has_nothing_to_leak_from():
    assert find(table_of([("r1", STORY, "tech", "test"), ("r2", MATCH, "tech", "test")]))["leaked"] == {}


def test_sets_of_labels_are_compared_whole():
    rows = [("r1", STORY, ["tech", "sport"]), ("r2", STORY, ["sport", "tech"]), ("r3", STORY, ["tech"])]
    alike, different = find(table_of(rows[:2], multi_label=True)), find(table_of(rows, multi_label=True))
    assert alike["conflicting_labels"]["exact"]["texts"] == 0
    assert different["conflicting_labels"]["exact"]["row_ids"] == [["r1", "r2", "r3"]]
    assert different["labels"] == {
        "multi_label": True,
        "rows": {"business": 0, "sport": 2, "tech": 3},
        "rows_by_side": None,
    }


def test_long_lists_are_cut_and_their_counts_are_not():
    found = find(table_of([(f"r{index}", "", "tech") for index in range(150)]))
    assert found["empty"]["count"] == 150 and len(found["empty"]["row_ids"]) == 100
    assert found["distinct"] == 0 and found["lengths"]["words"]["all"] is None
    assert found["own_split"] == {
        "random": None,
        "grouped": {"missing_because": "too few rows have a text and a label"},
    }


def test_too_few_rows_for_a_split_are_no_failure():
    found = find(table_of([("r1", STORY, "tech"), ("r2", MATCH, "sport")]))
    assert "too few" in found["own_split"]["grouped"]["missing_because"]


def test_a_summary_of_numbers():
    assert summary(np.array([4, 1, 2, 3])) == {"min": 1, "median": 2.5, "mean": 2.5, "p90": 3.7, "p99": 4.0, "max": 4}
    assert summary(np.array([])) is None
