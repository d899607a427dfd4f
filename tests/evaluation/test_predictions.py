"""Predictions come back from Parquet as they went in, and a file is whole or not there."""

import numpy as np
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.evaluation.predictions import read_given, read_predictions, write_predictions

ODD_NAMES = ["a b", "p_a", "naïve 🏆", "with.dot/slash", ""]
ROW_IDS = ["sport/001", "x", "£"]
LABELS = np.array([4, 0, 2])
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(5), 3)
GIVEN = PROBABILITIES.argmax(axis=1)
LABEL_SETS = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])


def test_predictions_read_back_bit_for_bit_whatever_the_labels_are_called(tmp_path):
    write_predictions(tmp_path / "deep" / "test.parquet", ROW_IDS, LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    row_ids, labels, probabilities = read_predictions(tmp_path / "deep" / "test.parquet", ODD_NAMES)
    assert row_ids == ROW_IDS
    assert labels.tolist() == LABELS.tolist()
    assert (probabilities == PROBABILITIES).all()
    assert (read_given(tmp_path / "deep" / "test.parquet", ODD_NAMES) == GIVEN).all()


def test_sets_of_labels_read_back_as_they_were_also_where_every_one_is_empty(tmp_path):
    path, given = tmp_path / "test.parquet", LABEL_SETS[::-1]
    for targets in (LABEL_SETS, np.zeros_like(LABEL_SETS)):
        write_predictions(path, ROW_IDS, targets, given, PROBABILITIES, ODD_NAMES)
        row_ids, labels, probabilities = read_predictions(path, ODD_NAMES)
        assert row_ids == ROW_IDS
        assert (labels == targets).all() and (read_given(path, ODD_NAMES) == given).all()
        assert (probabilities == PROBABILITIES).all()


def test_sets_of_labels_are_lists_of_names(tmp_path):
    write_predictions(tmp_path / "test.parquet", ROW_IDS, LABEL_SETS, LABEL_SETS[::-1], PROBABILITIES, ODD_NAMES)
    table = parquet.read_table(tmp_path / "test.parquet")
    assert table["label"].to_pylist() == [["a b", "naïve 🏆"], [], ODD_NAMES]
    assert table["prediction"].to_pylist() == [ODD_NAMES, [], ["a b", "naïve 🏆"]]
    _, labels, _ = read_predictions(tmp_path / "test.parquet", ODD_NAMES[::-1])
    assert (labels == LABEL_SETS[:, ::-1]).all()


def test_the_file_holds_names_and_probabilities_and_no_text(tmp_path):
    write_predictions(tmp_path / "test.parquet", ROW_IDS, LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    table = parquet.read_table(tmp_path / "test.parquet")
    assert table.column_names == ["row_id", "label", "prediction", *(f"p_{name}" for name in ODD_NAMES)]
    assert table["label"].to_pylist() == [ODD_NAMES[index] for index in LABELS]
    assert table["prediction"].to_pylist() == [ODD_NAMES[index] for index in PROBABILITIES.argmax(axis=1)]


def test_columns_are_read_in_the_order_of_the_names_asked_for(tmp_path):
    write_predictions(tmp_path / "test.parquet", ROW_IDS, LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    _, labels, probabilities = read_predictions(tmp_path / "test.parquet", ODD_NAMES[::-1])
    assert labels.tolist() == (4 - LABELS).tolist()
    assert (probabilities == PROBABILITIES[:, ::-1]).all()


def test_a_crash_in_writing_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "test.parquet"
    write_predictions(path, ROW_IDS, LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    old = path.read_bytes()

    def write_half(table: object, where: object) -> None:
        where.write_bytes(b"PAR1")
        raise OSError("disk full")

    monkeypatch.setattr(parquet, "write_table", write_half)
    with pytest.raises(OSError, match="disk full"):
        write_predictions(path, ROW_IDS, LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["test.parquet"]


def test_columns_of_unlike_length_are_refused(tmp_path):
    with pytest.raises(ValueError):
        write_predictions(tmp_path / "test.parquet", ROW_IDS[:2], LABELS, GIVEN, PROBABILITIES, ODD_NAMES)
    assert list(tmp_path.iterdir()) == []
