"""The audit of small tables in which everything is counted by hand."""

import csv

import pandas as pd
import pytest

from bbc_classifier.audit import audit
from bbc_classifier.config import AuditArguments, DataArguments
from bbc_classifier.errors import UserError
from bbc_classifier.io import read_json

STORY = "shares fell in early trading on friday as investors waited for the figures of the largest bank in london"
MATCH = "the striker scored twice in the final and the club won the cup for the first time in thirty years"
PHONE = "the new phone has a larger screen and a better camera but its battery lasts no longer than a day of use"
# Nearly the same text: one shingle of five words more than 15.
STORY_TODAY, MATCH_AGAIN = f"{STORY} today", f"{MATCH} again"
ROWS = {
    "train": [(STORY, "business"), (MATCH, "sport"), (STORY.upper(), "tech"), (None, "tech"), (PHONE, None)],
    "validation": [(MATCH_AGAIN, "business"), ("a goal", "sport")],
    "test": [
        (f"{STORY}!", "business"),
        (STORY_TODAY, "business"),
        ("A goal.", "sport"),
        *((text, "tech") for text in ("nothing like it", "  \n", "broken \ufffd text", "broken \x07 bell")),
    ],
}


def run_audit(tmp_path, dataset, encoder="none", **options):
    args = AuditArguments(output_dir=str(tmp_path / "audit"), encoder=encoder, overwrite=True)
    return read_json(audit(args, DataArguments(**options), dataset) / "audit.json")


EXPECTED = {
    "num_rows": 14,  # 2 of them without text
    "num_unique_texts": 9,
    "exact_duplicates": 3,  # the story occurs three times and the goal twice
    "groups": 7,  # the story and the story of today are one group, and so are both matches
    "near_duplicate_pairs": 2,
    "split_sizes": {"train": 5, "validation": 2, "test": 7},
    "label_counts": {
        "train": {"business": 1, "sport": 1, "tech": 2},
        "validation": {"business": 1, "sport": 1, "tech": 0},
        "test": {"business": 2, "sport": 1, "tech": 4},
    },
    "invalid_rows": {
        "without_text": {"count": 2, "row_ids": ["train.jsonl:4", "test.jsonl:5"]},
        "without_label": {"count": 1, "row_ids": ["train.jsonl:5"]},
        "without_text_or_label": {"count": 3, "row_ids": ["train.jsonl:4", "train.jsonl:5", "test.jsonl:5"]},
        "with_unreadable_characters": {"count": 2, "row_ids": ["test.jsonl:6", "test.jsonl:7"]},
    },
    "leakage": {
        "validation": {"exact": 0, "exact_or_near": 1, "share": 0.5, "row_ids": ["validation.jsonl:1"]},
        # The share is of the 6 rows that have a text.
        "test": {"exact": 2, "exact_or_near": 3, "share": 0.5, "row_ids": [f"test.jsonl:{row}" for row in (1, 2, 3)]},
    },
}


def test_what_is_counted_by_hand_and_pairs_are_written_by_row_id_without_a_text(tmp_path):
    for split, rows in ROWS.items():
        pd.DataFrame(rows, columns=["text", "label"]).to_json(tmp_path / f"{split}.jsonl", orient="records", lines=True)
    found = run_audit(tmp_path, None, **{f"{split}_file": str(tmp_path / f"{split}.jsonl") for split in ROWS})
    assert {entry: found[entry] for entry in EXPECTED} == EXPECTED
    assert {"--drop_invalid_rows.", "--drop_leaked_rows."} <= set(" ".join(found["findings"]).split())
    # Words of texts that are not empty: 2 2 2 3 3 19 19 19 20 20 21 22.
    lengths = {"min": 2, "median": 19, "mean": 12.7, "p90": 20.9, "p99": 21.9, "max": 22}
    assert found["lengths"]["words"]["all"] == lengths and found["lengths"]["tokens"] is None
    exact, near = found["conflicting_labels"].values()
    assert exact == {"count": 1, "row_ids": [["train.jsonl:1", "train.jsonl:3", "test.jsonl:1"]]}
    assert near["count"] == 2 and ["train.jsonl:2", "validation.jsonl:1"] in map(sorted, near["row_ids"])
    directory = tmp_path / "audit"
    with (directory / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert sorted(rows) == [
        ("exact", "1.0000", "train.jsonl:1", "test.jsonl:1", "business", "business", "train", "test"),
        ("exact", "1.0000", "train.jsonl:1", "train.jsonl:3", "business", "tech", "train", "train"),
        ("exact", "1.0000", "validation.jsonl:2", "test.jsonl:3", "sport", "sport", "validation", "test"),
        ("near", "0.9375", "train.jsonl:1", "test.jsonl:2", "business", "business", "train", "test"),
        ("near", "0.9412", "train.jsonl:2", "validation.jsonl:1", "sport", "business", "train", "validation"),
    ]
    assert {path.name for path in directory.iterdir()} == {"audit.json", "pairs.csv", "label_counts.png", "lengths.png"}
    assert not [path.name for path in directory.iterdir() if b"striker" in path.read_bytes().lower()]


def test_labels_that_look_alike_come_with_the_map_that_joins_them(tmp_path):
    texts = [f"text number {row}" for row in range(8)]
    labels = ["Sport", "sport", "sport", "sci-fi", "Sci Fi", "C", "C++", "0"]
    found = run_audit(tmp_path, (texts, labels), label_map=["0=SPORT"])
    assert found["similar_labels"] == [["sport", "SPORT", "Sport"], ["Sci Fi", "sci-fi"]]
    assert found["suggested_label_map"] == {"0": "sport", "SPORT": "sport", "Sport": "sport", "sci-fi": "Sci Fi"}
    joined = run_audit(tmp_path, (texts, labels), label_map=found["suggested_label_map"])
    assert joined["similar_labels"] == [] and joined["suggested_label_map"] == {}
    assert joined["label_counts"] == {"all": {"C": 1, "C++": 1, "Sci Fi": 2, "sport": 4}}


def test_tokens_are_counted_with_the_encoders_tokenizer(tmp_path, tiny_bert_dir):
    texts = ["the match", "the " * 200, "goal"]
    found = run_audit(tmp_path, (texts, ["a", "b", "a"]), encoder=str(tiny_bert_dir))["lengths"]
    assert found["tokens"]["a"] == {"min": 3, "median": 3.5, "mean": 3.5, "p90": 3.9, "p99": 4.0, "max": 4}
    assert found["share_longer_than"] == {"128": 0.3333, "256": 0, "512": 0}
    with pytest.raises(UserError, match="--encoder"):
        run_audit(tmp_path, (texts, ["a", "b", "a"]), encoder=str(tmp_path / "missing"))
