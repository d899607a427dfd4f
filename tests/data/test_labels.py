"""Columns, label names, label maps: what users' tables look like."""

import contextlib

import numpy as np
import pandas as pd
import pytest

from bbc_classifier.data import labels as module
from bbc_classifier.data.labels import find_columns, join_texts, map_labels, read_label_map, read_labels
from bbc_classifier.errors import UserError

PLACE = "'mine.csv'"


def read(values, *, separator=None, cells=False):
    frame = pd.DataFrame({"label": values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)})
    return read_labels(PLACE, frame, ["label"], separator, cells=cells)


@pytest.mark.parametrize(
    ("names", "text", "label", "expected"),
    [
        (["Title", "Body", "Category", "id"], None, None, (["Body"], ["Category"])),
        (["id", "title", "text", "label"], ["title", "text"], None, (["title", "text"], ["label"])),
        (["id", "title", "text", "label"], "title", "id", (["title"], ["id"])),  # fault F4
        (["text", "a", "b"], None, ["a", "b"], (["text"], ["a", "b"])),
        (["text", "label"], ["t"], None, r"--text_column: 'mine.csv' has no column 't'; it has 'text', 'label'"),
        (["a", "b", "c"], None, None, "--text_column"),
        (["text", "b", "c"], None, None, "--label_column"),
        (["anything"], None, None, "--label_column"),
    ],
)
def test_columns_are_those_asked_for_or_found_by_name(names, text, label, expected):
    error = None if isinstance(expected, tuple) else expected
    with pytest.raises(UserError, match=error) if error else contextlib.nullcontext():
        assert (find_columns(PLACE, names, "text", text), find_columns(PLACE, names, "label", label)) == expected


def test_texts_are_stripped_and_joined():
    frame = pd.DataFrame({"a": [" one ", "", None, "nan"], "b": ["two", "three ", " ", ""]}, dtype=object)
    assert join_texts(PLACE, frame, ["a", "b"]) == ["one\ntwo", "three", None, "nan"]
    assert join_texts(PLACE, frame, ["a", "b"], cells=True) == ["one\ntwo", "three", None, None]
    with pytest.raises(UserError, match="row 2, column 'a': 5 is not text"):
        join_texts(PLACE, pd.DataFrame({"a": ["x", 5]}), ["a"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([" sport ", "tech", "", None, float("nan")], ["sport", "tech", None, None, None]),
        (pd.Series([0.0, np.nan, 2.0]), ["0", None, "2"]),
        (["0.0", "1.0", "3"], ["0", "1", "3"]),
        (["1.0", "1.5", "unknown"], ["1", "1.5", "unknown"]),
        ([True, False], ["true", "false"]),
        ([["b", " a ", ""], [], None], [["b", "a"], [], None]),
        ([np.array([1, 0]), np.array([])], [["1", "0"], []]),
        ([1.0, 1.5], "row 2: .*1.5"),
        ([{"a": 1}], "row 1"),
        ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "lists of 0 and 1"),
        ([["a", "b"], [0.5]], "row 2: .*0.5"),
    ],
)
def test_every_kind_of_label_reads_as_names(values, expected):
    if isinstance(expected, list):
        assert read(values) == expected
    else:
        with pytest.raises(UserError, match=expected):
            read(values)


def test_cells_without_a_label_and_with_several():
    assert read(["nan", "None", " NULL ", ""], cells=True) == [None, "None", None, None]
    assert read(["a; b", "c", "", "nan"], separator=";", cells=True) == [["a", "b"], ["c"], [], None]
    assert read(["[news]", "[a, b]"], cells=True) == ["[news]", "[a, b]"]
    with pytest.raises(UserError, match=r"row 2.*--label_separator.*JSON"):
        read(["tech", "['culture', 'news']"], cells=True)


def test_spellings_that_look_alike_become_one_label_and_are_logged(caplog):
    composed, decomposed = "économie", "e\u0301conomie"
    assert set(read([composed, decomposed])) == {composed}
    assert set(read(["sport", "sport\u200b", "\ufeffsport", "sport\u00a0"])) == {"sport"}
    assert "sport\\u200b" in caplog.text and "e\\u0301conomie" in caplog.text
    assert module.normalize_label("world\u00a0 news") == "world news"
    # Joiners inside a name are part of it.
    assert module.normalize_label("👩‍👩‍👧") == "👩‍👩‍👧" and module.normalize_label("می‌روم") == "می‌روم"


def test_every_form_of_a_label_map(tmp_path):
    (tmp_path / "labels.yaml").write_text("0: world news\nno: a=b # comment\n", encoding="utf-8")
    for form in ({0: "world news", "no": " a=b"}, ["0=world news", " no = a=b "], [str(tmp_path / "labels.yaml")]):
        assert read_label_map(form) == {"0": "world news", "no": "a=b"}
    for wrong in (["nowhere.yaml"], ["0=world", "sport"], ["0="], {"0": 1}):
        with pytest.raises(UserError, match="--label_map"):
            read_label_map(wrong)


def test_a_map_renames_and_merges(caplog):
    assert map_labels(["0", "1", None], {"0": "sport", "1": "sport"}) == [("sport",), ("sport",), None]
    assert map_labels([["b", "a"], []], {"b": "a"}) == [("a",), ()]
    assert map_labels(["a", "b"], {"a": "arts", "sprot": "x"}) == [("arts",), ("b",)]
    assert "'sprot'" in caplog.text
    assert map_labels(["arts"], {"a": "arts"}) == [("arts",)]  # renamed before, such as newer rows
    with pytest.raises(UserError, match="--label_map"):
        map_labels(["a"], {"b": "c"})
