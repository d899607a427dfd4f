"""Columns, label names, label maps: what users' tables look like."""

import logging

import numpy as np
import pandas as pd
import pytest

from bbc_classifier.data.labels import (
    alike_names,
    detect_columns,
    detect_text_columns,
    join_texts,
    map_labels,
    normalize_label,
    rare_labels,
    read_label_map,
    read_labels,
    sorted_names,
)
from bbc_classifier.errors import UserError

PLACE = "'mine.csv'"


def read(values, *, separator=None, cells=False):
    frame = pd.DataFrame({"label": values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)})
    return read_labels(PLACE, frame, ["label"], separator, cells=cells)


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        (["text", "label"], (None, None), (["text"], ["label"])),
        (["Title", "Body", "Category", "id"], (None, None), (["Body"], ["Category"])),
        (["id", "title", "text", "label"], (["title", "text"], None), (["title", "text"], ["label"])),
        (["id", "title", "text", "label"], ("title", "id"), (["title"], ["id"])),
        (["comment", "label"], (None, None), (["comment"], ["label"])),
        (["text", "spam"], (None, None), (["text"], ["spam"])),
        (["text", "a", "b"], (None, ["a", "b"]), (["text"], ["a", "b"])),
    ],
)
def test_columns_are_those_asked_for_or_found_by_name(names, asked, expected):
    assert detect_columns(PLACE, names, *asked) == expected


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (["text", "label"], (["t"], None), r"--text_column: 'mine.csv' has no column 't'; it has 'text', 'label'"),
        (["text", "label"], (None, "x"), "--label_column: .* no column 'x'"),
        (["a", "b", "c"], (None, None), "--text_column"),
        (["text", "b", "c"], (None, None), "--label_column"),
        (["text", "label"], ("label", "label"), "both text and label"),
    ],
)
def test_columns_that_cannot_be_found(names, asked, message):
    with pytest.raises(UserError, match=message):
        detect_columns(PLACE, names, *asked)


def test_text_columns_of_a_table_without_labels():
    assert detect_text_columns(PLACE, ["id", "Body"], None) == ["Body"]
    assert detect_text_columns(PLACE, ["anything"], None) == ["anything"]
    assert detect_text_columns(PLACE, ["id", "x"], "x") == ["x"]
    with pytest.raises(UserError, match="--text_column"):
        detect_text_columns(PLACE, ["id", "x"], None)


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
        ([0.0, 3.0, None], ["0", "3", None]),
        (pd.Series([0, None, 2], dtype="Int64"), ["0", None, "2"]),
        (pd.Series([0.0, np.nan, 2.0]), ["0", None, "2"]),
        (["0.0", "1.0", "3"], ["0", "1", "3"]),
        (["1.0", "1.5", "2.0"], ["1.0", "1.5", "2.0"]),
        (["1.0", "news"], ["1.0", "news"]),
        ([True, False], ["true", "false"]),
        (["nan", "None"], ["nan", "None"]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        ([["b", " a ", ""], [], None], [["b", "a"], [], None]),
        ([np.array([1, 0]), np.array([])], [["1", "0"], []]),
        ([[1.0, 0.0]], [["1", "0"]]),
    ],
)
def test_every_kind_of_label_reads_as_names(values, expected):
    assert read(values) == expected


def test_cells_without_a_label_and_with_several():
    assert read(["nan", "None", " NULL ", ""], cells=True) == [None, "None", None, None]
    assert read(["a; b", "c", "", "nan"], separator=";", cells=True) == [["a", "b"], ["c"], [], None]
    assert read(["1;0"], separator=";") == [["1", "0"]]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, 1.5], {}, "row 2: .*1.5"),
        ([{"a": 1}], {}, "row 1"),
        ([["a", "b"], [0.5]], {}, "row 2: .*0.5"),
        ([["a"], "b"], {}, "row 2: a single label 'b' where other rows have lists"),
        (["tech", "['culture', 'news']"], {"cells": True}, "row 2.*--label_separator.*JSON"),
        (["a"], {"separator": ""}, "--label_separator"),
    ],
)
def test_what_is_not_a_label_is_refused_by_place_and_row(values, options, message):
    with pytest.raises(UserError, match=message):
        read(values, **options)


def test_a_name_in_brackets_is_a_label():
    assert read(["[news]", "[a, b]"], cells=True) == ["[news]", "[a, b]"]


def test_spellings_that_look_alike_become_one_label_and_are_logged(caplog):
    composed, decomposed = "économie", "e\u0301conomie"
    with caplog.at_level(logging.WARNING):
        assert set(read([composed, decomposed])) == {composed}
        assert set(read(["sport", "sport\u200b", "\ufeffsport", "sport\u00a0"])) == {"sport"}
    assert "sport\\u200b" in caplog.text and "e\\u0301conomie" in caplog.text
    assert normalize_label("world\u00a0 news") == "world news"
    # Joiners inside a name are part of it.
    assert normalize_label("👩‍👩‍👧") == "👩‍👩‍👧" and normalize_label("می‌روم") == "می‌روم"


def test_one_column_of_zeros_and_ones_per_label():
    frame = pd.DataFrame({"sport": ["1", "0", ""], "tech": [1, 0, 1], "world": [True, False, None]}, dtype=object)
    expected = [["sport", "tech", "world"], [], ["tech"]]
    assert read_labels(PLACE, frame, ["sport", "tech", "world"], None) == expected
    with pytest.raises(UserError, match="row 1, column 'b': 2 where 0 or 1"):
        read_labels(PLACE, pd.DataFrame({"a": [1], "b": [2]}), ["a", "b"], None)


MAPS = {
    "a dict": {0: "world news", "1": " sport=fun"},
    "entries": ["0=world news", " 1 = sport=fun "],
    "an object": ['{"0": "world news", "1": "sport=fun"}'],
    "a YAML file": "0: world news\n'1': sport=fun # comment\n",
    "a JSON file": '\ufeff{"0": "world news", "1": "sport=fun"}',
}


@pytest.mark.parametrize("name", MAPS)
def test_every_form_of_a_label_map(name, tmp_path):
    form = MAPS[name]
    if isinstance(form, str):
        path = tmp_path / "labels.yaml"
        path.write_text(form, encoding="utf-8")
        form = [str(path)]
    assert read_label_map(form) == {"0": "world news", "1": "sport=fun"}


def test_words_that_yaml_reads_as_values_are_names(tmp_path):
    (tmp_path / "map.yaml").write_text("true: good\nno: Norway\n007: Bond\n", encoding="utf-8")
    assert read_label_map(str(tmp_path / "map.yaml")) == {"true": "good", "no": "Norway", "007": "Bond"}
    assert read_label_map(None) == {}


@pytest.mark.parametrize(
    "form", [["nowhere.yaml"], ["0=world", "sport"], ['{"0": "x"'], ["0="], ['{"0": 1}'], {"0": 1}, ["."]]
)
def test_a_label_map_of_another_form(form):
    with pytest.raises(UserError, match="--label_map"):
        read_label_map(form)


def test_a_map_renames_and_merges(caplog):
    assert map_labels(["0", "1", None], {"0": "sport", "1": "sport"}) == [("sport",), ("sport",), None]
    assert map_labels([["b", "a"], []], {"b": "a"}) == [("a",), ()]
    with caplog.at_level(logging.WARNING):
        assert map_labels(["a", "b"], {"a": "arts", "sprot": "x"}) == [("arts",), ("b",)]
        map_labels(["0", "1"], {})
    assert "'sprot'" in caplog.text and "--label_map 0=" in caplog.text


@pytest.mark.parametrize(
    ("labels", "label_map"), [(["a"], {"b": "c"}), (["0.5"], {"0": "x"}), (["0", "1"], {"0": "x"})]
)
def test_a_map_that_does_not_fit(labels, label_map):
    with pytest.raises(UserError, match="--label_map"):
        map_labels(labels, label_map)


def test_order_likeness_and_rarity_of_names():
    assert sorted_names(["tech", "arts", "tech"]) == ["arts", "tech"]
    assert sorted_names(["10", "9", "-1", "07"]) == ["-1", "07", "9", "10"]
    assert alike_names(["Sport", "SPORT", "1", "1.0", "tech", "10"]) == [["Sport", "SPORT"], ["1", "1.0"]]
    assert rare_labels([("a",), ("a", "b"), None, ()], 2) == {"b": 1}
