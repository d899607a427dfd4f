"""The one table: texts joined and trimmed, labels named alike in all parts, and every row named for its place."""

import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, List

from bbc_classifier.data.columns import Columns
from bbc_classifier.data.labelled_table import Part, joined_text, label_sets, labelled_table, texts_of
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError


def part(name="mine.csv", side=None, **columns):
    return Part(name, f"'{name}'", pa.table(columns), side)


def table_of(*parts, **options) -> Dataset:
    return labelled_table(parts, DataArguments(**options))[0]


def test_every_row_is_named_for_its_part_and_its_number_in_it():
    table = table_of(
        part("a.csv", text=["one", "two"], label=["x", "y"]),
        part("b.csv", text=["three"], label=["x"]),
    )
    assert table.to_list() == [
        {"row_id": "a.csv:1", "text": "one", "label": 0},
        {"row_id": "a.csv:2", "text": "two", "label": 1},
        {"row_id": "b.csv:1", "text": "three", "label": 0},
    ]
    assert table.features["label"] == ClassLabel(names=["x", "y"])


def test_sides_are_there_where_a_part_has_one():
    table = table_of(
        part("train", "train", text=["one", "two"], label=["x", "y"]),
        part("test", "test", text=["3"], label=["x"]),
    )
    assert table["side"][:] == ["train", "train", "test"]
    assert "side" not in table_of(part(text=["one"], label=["x"])).column_names


def test_the_columns_that_were_chosen_are_told():
    columns = {"title": ["a"], "body": ["b"], "topic": ["x"]}
    _, chosen = labelled_table([part(**columns)], DataArguments(text_column=["title", "body"]))
    assert chosen == Columns(["title", "body"], "topic")


def test_several_texts_are_joined_by_line_breaks_in_the_order_asked_for():
    table = pa.table({"title": ["A title ", None, "Title", None], "body": ["\tA body", "Body", "", "  "]})
    assert joined_text("", table, ["title", "body"]).to_pylist() == ["A title\nA body", "Body", "Title", ""]
    assert joined_text("", table, ["body", "title"]).to_pylist() == ["A body\nA title", "Body", "Title", ""]


def test_texts_in_several_chunks_and_of_several_kinds_are_joined():
    title = pa.chunked_array([["a"], [], ["b", None]])
    body = pa.chunked_array([pa.array(["x", "y"], pa.large_string()), pa.array(["z"], pa.large_string())])
    table = pa.table({"title": title, "body": body, "note": pa.nulls(3)})
    assert joined_text("", table, ["title", "body", "note"]).to_pylist() == ["a\nx", "b\ny", "z"]
    assert joined_text("", table.slice(3), ["title"]).to_pylist() == []


@pytest.mark.parametrize("values", [[1], [True], [["a"]], [{"a": "b"}], [b"a"]], ids=str)
def test_a_text_is_text(values):
    with pytest.raises(InputError, match=r"'mine.csv', column 'text': holds .*, not text"):
        table_of(part(text=values, label=["x"]))


def test_a_text_and_a_label_that_are_missing_stay_missing():
    table = table_of(part(text=["one", None, " "], label=["x", None, ""]))
    assert list(texts_of(table)) == ["one", "", ""]
    assert table["label"][:] == [0, None, None]


def test_a_row_can_have_several_labels():
    table = table_of(part(text=["one", "two"], label=["y;x", ""]), label_separator=";")
    assert table.features["label"] == List(ClassLabel(names=["x", "y"]))
    assert label_sets(table) == [("x", "y"), ()]


def test_parts_need_the_same_columns_and_the_message_says_which_has_which():
    message = (
        "'b.csv' has no column 'label', unlike 'a.csv'; it has 'text', 'topic': every file needs the columns of text "
        "and label"
    )
    with pytest.raises(InputError, match=message):
        table_of(part("a.csv", text=["1"], label=["x"]), part("b.csv", text=["2"], topic=["x"]))


def test_parts_of_several_formats_have_one_list_of_labels():
    table = table_of(
        part("a.csv", text=["1"], label=["2"], extra=["?"]),
        part("b.jsonl", label=[10], text=["2"]),
        part("c.parquet", text=["3"], label=[2.0]),
    )
    assert label_sets(table) == [("2",), ("10",), ("2",)]
    assert table.features["label"].names == ["2", "10"]


def test_the_map_renames_the_labels_of_all_parts():
    parts = part("a", text=["1"], label=["0"]), part("b", text=["2"], label=[1])
    assert label_sets(table_of(*parts, label_map=["0=sport", "1=arts"])) == [("sport",), ("arts",)]


def test_any_script_stands_in_texts_labels_and_names_of_columns():
    columns = {"النص": ["‏الفريق فاز", "👩‍👩‍👧 e\u0301"], "类别": ["رياضة", "ข่าว"]}
    table = table_of(part("أخبار.csv", **columns), text_column=["النص"], label_column="类别")
    assert list(texts_of(table)) == ["‏الفريق فاز", "👩‍👩‍👧 e\u0301"]
    assert label_sets(table) == [("رياضة",), ("ข่าว",)]
    assert table["row_id"][:] == ["أخبار.csv:1", "أخبار.csv:2"]


def test_texts_in_many_pieces_are_never_put_into_one(monkeypatch):
    # One array of text holds 2 GiB at most, so a larger table must stay in pieces from the file to the last row.
    monkeypatch.setattr("bbc_classifier.data.labelled_table.ROWS_AT_ONCE", 10)
    pieces = pa.chunked_array([pa.array([f"goal {number}"]) for number in range(25)])
    table = pa.table({"text": pieces, "label": pa.array(["a"] * 25)})
    made, _ = labelled_table([Part("mine", "mine", table, None)], DataArguments())
    assert made.data.column("text").num_chunks > 1
    assert made["text"][:] == [f"goal {number}" for number in range(25)]
