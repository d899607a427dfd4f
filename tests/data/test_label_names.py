"""Label names: from text, numbers and lists of them to one list of names, whatever the order of the rows."""

import logging
import re

import pyarrow as pa
import pytest
from datasets import ClassLabel, Features, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.label_names import NO_LABEL, alike_names, name_labels, read_label_map, read_marks
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)
PLACE = "'mine.csv'"


def marks(values, separator=None):
    """Return the marks of a column that holds an Arrow array."""
    return read_marks(PLACE, pa.table({"label": values}), "label", separator)


def names_and_labels(values, **label_map):
    feature, labels = name_labels([PLACE], [values], label_map)
    return (feature.feature if isinstance(feature, List) else feature).names, labels[0]


MARKS = {
    "texts": (pa.array([" sport ", "tech", "", "  ", None]), ["sport", "tech", None, None, None]),
    "large texts": (pa.array(["sport", None], pa.large_string()), ["sport", None]),
    "whole numbers": (pa.array([2, -1, None]), ["2", "-1", None]),
    "small numbers": (pa.array([2, None], pa.uint8()), ["2", None]),
    "floats with gaps": (pa.array([2.0, None, float("nan"), -0.0]), ["2", None, None, "0"]),
    "true and false": (pa.array([True, False, None]), ["true", "false", None]),
    "nothing": (pa.nulls(2), [None, None]),
    "lists of texts": (pa.array([["b", " a ", ""], [], None]), [["b", "a"], [], None]),
    "lists of numbers": (pa.array([[1, 0], [], None]), [["1", "0"], [], None]),
    "lists of two": (pa.array([["a", "b"], None], pa.list_(pa.string(), 2)), [["a", "b"], None]),
}


@pytest.mark.parametrize("name", MARKS)
def test_every_kind_of_label_is_read_as_text(name):
    values, expected = MARKS[name]
    assert marks(values) == expected


def test_a_separator_makes_lists_of_text():
    assert marks(pa.array(["a; b", "c", " ; ", None]), ";") == [["a", "b"], ["c"], [], None]
    assert marks(pa.array(["a, b", "a"]), ", ") == [["a", "b"], ["a"]]


BAD_MARKS = {
    "fractions": (pa.array([1.0, 1.5]), "a label is a name or a whole number, not 1.5"),
    "infinity": (pa.array([float("inf")]), "not inf"),
    "dates": (pa.array([0], pa.date32()), "a label is text, a whole number or a list of them, not date32"),
    "objects": (pa.array([{"a": 1}]), "not struct<a: int64>"),
    "bytes": (pa.array([b"a"]), "not binary"),
    "lists of fractions": (pa.array([[0.5]]), "a list of labels holds text or whole numbers, not 0.5"),
    "lists with gaps": (pa.array([["a", None]]), "a list of labels holds text or whole numbers, not None"),
    "lists of lists": (pa.array([[["a"]]]), "a list of labels holds text or whole numbers, not"),
}


@pytest.mark.parametrize("name", BAD_MARKS)
def test_what_is_no_label_is_refused_by_place_and_column(name):
    values, message = BAD_MARKS[name]
    with pytest.raises(InputError) as refused:
        marks(values)
    assert re.match(r"'mine.csv',( row \d+,)? column 'label': ", str(refused.value))
    assert message in str(refused.value)


def test_a_separator_has_a_character():
    with pytest.raises(InputError, match="--label_separator must be at least one character"):
        marks(pa.array(["a"]), "")


def with_names(feature, values):
    schema = Features({"text": Value("string"), "label": feature}).arrow_schema
    return pa.table({"text": [""] * len(values), "label": values}).cast(schema)


def test_the_names_in_the_metadata_stand_for_their_numbers():
    table = with_names(ClassLabel(names=["world", "sport"]), [1, 0, -1, None])
    assert read_marks(PLACE, table, "label", None) == ["sport", "world", None, None]
    table = with_names(List(ClassLabel(names=["world", "sport"])), [[1, 0], []])
    assert read_marks(PLACE, table, "label", None) == [["sport", "world"], []]
    with pytest.raises(InputError, match="the label 2 is not one of the 2 that are named"):
        read_marks(PLACE, with_names(ClassLabel(names=["world", "sport"]), [2]), "label", None)


def test_broken_metadata_name_nothing():
    table = pa.table({"label": [1, 0]}).replace_schema_metadata({"huggingface": '{"info": {"features": 3}}'})
    assert read_marks(PLACE, table, "label", None) == ["1", "0"]


def test_names_are_in_alphabetical_order_and_numbers_by_number():
    assert names_and_labels(["tech", "arts", None, "tech"]) == (["arts", "tech"], [1, 0, None, 1])
    assert names_and_labels(["10", "9", "-1"]) == (["-1", "9", "10"], [2, 1, 0])
    assert names_and_labels(["7", "07", "007"]) == (["007", "07", "7"], [2, 1, 0])
    assert names_and_labels([["b", "a", "b"], [], None]) == (["a", "b"], [[0, 1], [], None])
    assert names_and_labels(["رياضة", "e\u0301", "👩‍👩‍👧"]) == (["e\u0301", "رياضة", "👩‍👩‍👧"], [1, 0, 2])


@QUICK
@given(st.permutations(["1", "01", "2", "10", None, "1"]), st.integers(0, 6))
def test_neither_the_order_of_the_rows_nor_their_parts_change_a_name(rows, cut):
    feature, labels = name_labels(["a", "b"], [rows[:cut], rows[cut:]], {})
    assert feature.names == ["01", "1", "2", "10"]
    assert [None if index is None else feature.names[index] for part in labels for index in part] == rows


def test_a_part_without_a_label_is_of_either_kind():
    for part in (["a"], [["a"]]):
        feature, labels = name_labels(["'one'", "'two'"], [[None], part], {})
        assert isinstance(feature, List) == isinstance(part[0], list)
        assert labels[0] == [None]
    with pytest.raises(InputError, match="'two' has lists of labels and 'three' has single ones; all need the same"):
        name_labels(["'one'", "'two'", "'three'"], [[None], [["a"]], ["a"]], {})


def test_a_map_renames_and_merges():
    assert names_and_labels(["0", "1", "2"], **{"0": "sport", "1": "tech", "2": "sport"}) == (
        ["sport", "tech"],
        [0, 1, 0],
    )
    assert names_and_labels([["0", "2"]], **{"0": "sport", "2": "sport"}) == (["sport"], [[0]])


def test_a_map_names_every_number_but_not_every_name(caplog):
    assert names_and_labels(["a", "b"], a="arts") == (["arts", "b"], [0, 1])
    with pytest.raises(InputError, match="--label_map has no name for the label 1; it has 0"):
        names_and_labels(["0", "1"], **{"0": "sport"})
    with caplog.at_level(logging.WARNING):
        names_and_labels(["a"], sprot="sport")
    assert "--label_map: no row has the label 'sprot'; there are a" in caplog.text


def test_numbers_without_names_are_warned_of(caplog):
    with caplog.at_level(logging.WARNING):
        names_and_labels(["1", "0"])
    assert "the labels are the numbers 0, 1; --label_map 0=… gives them names" in caplog.text


def test_the_librarys_default_names_are_refused():
    with pytest.raises(
        InputError, match="the label 'LABEL_0' tells a reader nothing; name the labels: --label_map LABEL_0="
    ):
        names_and_labels(["LABEL_0", "LABEL_1"])


MAPS = {
    "entries": ["0=world news", " 1 = sport=fun "],
    "an object": ['{"0": "world news", "1": " sport=fun"}'],
    "a YAML file": "0: world news\n1: sport=fun\n",
    "a YAML file with quotes": "\ufeff'0': 'world news'\n\"1\": sport=fun # a comment\n",
    "a JSON file": '{"0": "world news", "1": "sport=fun"}',
}


@pytest.mark.parametrize("name", MAPS)
def test_every_form_of_a_map_says_the_same(name, tmp_path):
    form = MAPS[name]
    if isinstance(form, str):
        path = tmp_path / "labels.yaml"
        path.write_text(form, encoding="utf-8")
        form = [str(path)]
    assert read_label_map(form) == {"0": "world news", "1": "sport=fun"}


def test_no_map_renames_nothing():
    assert read_label_map(None) == read_label_map([]) == {}


def test_words_that_mean_true_or_false_to_yaml_are_names(tmp_path):
    (tmp_path / "labels.yaml").write_text("true: good\nno: Norway\n007: Bond\n", encoding="utf-8")
    assert read_label_map([str(tmp_path / "labels.yaml")]) == {"true": "good", "no": "Norway", "007": "Bond"}


BAD_MAPS = {
    "no such file": (["nowhere.yaml"], "cannot read 'nowhere.yaml': No such file or directory; or write old=new"),
    "a folder": (["."], "cannot read '.': "),
    "an entry without a sign": (["0=world", "sport"], "write old=new old=new .*: 'sport' has no equals sign"),
    "a broken object": (['{"0": "world"'], "write old=new old=new"),
    "no new name": (["0="], "every label needs a new name that is text, as in 0: business"),
    "a number as new name": (['{"0": 1}'], "every label needs a new name that is text"),
    "a list": ("- world\n- sport\n", "every label needs a new name that is text"),
    "a list as new name": ("0: [world]\n", "every label needs a new name that is text"),
    "nothing": ("", "every label needs a new name that is text"),
    "broken YAML": ("0: [world", "write old=new old=new"),
    "Latin-1": (b"0: caf\xe9\n", "can't decode byte 0xe9.*; or write old=new old=new"),
}


@pytest.mark.parametrize("name", BAD_MAPS)
def test_a_map_of_another_form_is_refused(name, tmp_path):
    form, message = BAD_MAPS[name]
    if not isinstance(form, list):
        path = tmp_path / "labels.yaml"
        path.write_bytes(form.encode() if isinstance(form, str) else form)
        form = [str(path)]
    with pytest.raises(InputError, match=f"(?s)--label_map: .*{message}"):
        read_label_map(form)


@pytest.mark.parametrize("written", sorted(NO_LABEL))
def test_what_programs_write_for_nothing_is_no_label(written):
    assert marks(pa.array(["sport", f" {written} ", "None"])) == ["sport", None, "None"]


def test_labels_that_differ_only_in_how_they_are_written_are_said_and_kept(caplog):
    feature, _ = name_labels(["mine.csv"], [["Sport", "SPORT", "1", "1.0", "tech"]], {})
    assert feature.names == ["1", "1.0", "SPORT", "Sport", "tech"]
    assert "the labels 'SPORT', 'Sport' differ only in how they are written" in caplog.text
    assert "the labels '1', '1.0' differ only in how they are written" in caplog.text


def test_labels_that_differ_are_not_called_alike():
    assert alike_names(["10", "1.00", "1", "sports", "sport", "a b", "ab"]) == []
