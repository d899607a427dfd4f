"""Naive folds leak, honest ones do not; leaked and clean rows are scored apart, copies by the copy that was kept."""

import json

import numpy as np
import pytest

from bbc_classifier.comparison.duplicates_worth import BASELINE, duplicates_worth
from bbc_classifier.data.naive_folds import naive_folds, rows_of, write_sides
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.evaluation.intervals import wilson_interval
from bbc_classifier.records import read_json
from bbc_classifier.training.arguments import ModelArguments
from tests.comparison.conftest import TOPICS

ROWS = 45


@pytest.fixture
def data(tmp_path) -> DataArguments:
    """Forty-five texts, of which the last fifteen are the first fifteen again in capitals."""
    texts = [f"the {TOPICS[list(TOPICS)[number % 3]]} story number {number * 7919} of the day" for number in range(30)]
    rows = [
        {"text": text, "label": list(TOPICS)[number % 3]}
        for number, text in enumerate([*texts, *(text.upper() for text in texts[:15])])
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return DataArguments(dataset=str(tmp_path / "mine.jsonl"), max_length=16, near_duplicates=False)


def test_naive_folds_test_every_row_once_and_take_no_heed_of_copies(data):
    labels = open_source(data).read()["label"][:]
    folds = naive_folds(labels, folds=3, validation_fraction=0.2, seed=1)
    assert sorted(row for sides in folds for row in sides["test"]) == list(range(ROWS))
    for sides in folds:
        assert sorted(row for rows in sides.values() for row in rows) == list(range(ROWS))
        assert np.bincount([labels[row] for row in sides["test"]]).tolist() == [5, 5, 5]
    assert folds == naive_folds(labels, folds=3, validation_fraction=0.2, seed=1)


def test_rows_are_found_again_by_their_ids(data, tmp_path):
    table = open_source(data).read()
    files = write_sides(table, {"train": [4, 2], "validation": [7], "test": [30, 3, 11]}, tmp_path / "sides")
    source = open_source(DataArguments(**files))
    back = source.read()
    for row_id, text, side in zip(back["row_id"][:], back["text"][:], back["side"][:], strict=True):
        rows = {"train": [4, 2], "validation": [7], "test": [30, 3, 11]}[side]
        assert table["text"][:][rows_of([row_id], rows)[0]] == text


def test_leaked_and_clean_rows_are_scored_apart(data, tiny_bert_folder, tmp_path):
    table = open_source(data).read()
    names = table.features["label"].names
    # Honest folds dropped the copies, and got the first five texts wrong.
    honest = {
        row_id: names[(label + (number < 5)) % 3]
        for number, (row_id, label) in enumerate(zip(table["row_id"][:30], table["label"][:30], strict=True))
    }
    content = duplicates_worth(
        ModelArguments(encoder=str(tiny_bert_folder), head_start="probe"),
        data,
        {"num_train_epochs": 0.0, "use_cpu": True, "disable_tqdm": True},
        folds=3,
        honest={"encoder": honest, BASELINE: honest},
        record=tmp_path / "record.json",
    )
    assert read_json(tmp_path / "record.json") == content
    assert str(tmp_path) not in (tmp_path / "record.json").read_text(encoding="utf-8")
    for scores in content["classifiers"].values():
        assert scores["leaked"]["rows"] + scores["clean"]["rows"] == scores["all"]["rows"] == ROWS
        assert scores["leaked"]["rows"] == content["leaked"] > 0
        # Five texts and their five copies.
        assert scores["all"]["honest"]["correct"] == ROWS - 10
        for group in scores.values():
            for how in ("naive", "honest"):
                assert group[how]["interval"] == wilson_interval(group[how]["correct"], group["rows"])
    # Words give the topic away here, so the baseline gets everything right.
    assert content["classifiers"][BASELINE]["all"]["naive"]["correct"] == ROWS
