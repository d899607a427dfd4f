"""Broken rows: found in their order, each with its reason, and the first one named in the refusal."""

import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from bbc_classifier.data.broken_rows import BrokenRow, broken_rows, broken_texts, refuse_broken_rows
from bbc_classifier.errors import InputError

LABEL = ClassLabel(names=["arts", "sport"])


def table_of(*rows, label=LABEL) -> Dataset:
    features = Features({"row_id": Value("string"), "text": Value("string"), "label": label})
    numbered = [
        {"row_id": f"mine:{number}", "text": text, "label": label} for number, (text, label) in enumerate(rows, 1)
    ]
    return Dataset.from_list(numbered, features)


def test_a_row_without_a_text_or_a_label_is_broken():
    rows = [("a goal", "sport"), (None, "sport"), ("a film", None), (" \t\n\u00a0\u3000", "arts"), ("", None)]
    assert broken_rows(table_of(*rows)) == [
        BrokenRow(1, "mine:2", "text", "is empty"),
        BrokenRow(2, "mine:3", "label", "has no label"),
        BrokenRow(3, "mine:4", "text", "is empty"),
        BrokenRow(4, "mine:5", "text", "is empty"),
    ]
    assert broken_rows(table_of(("a goal", "sport"))) == []


def test_a_row_of_several_labels_may_have_none_but_not_a_missing_list():
    rows = table_of(("a goal", []), ("a film", None), ("a song", ["arts"]), label=List(LABEL))
    assert broken_rows(rows) == [BrokenRow(1, "mine:2", "label", "has no label")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_a_text_of_more_than_a_million_characters_or_with_a_nul_is_broken(kind):
    texts = ["é" * 1_000_000, "é" * 1_000_001, "a\0b", "a\ufffdb", "0"]
    assert broken_texts(pa.chunked_array([texts[:2], texts[2:]], kind)) == {
        1: "has 1,000,001 characters, more than 1,000,000 (a quotation mark left open?)",
        2: "holds a NUL character",
    }


def test_the_refusal_names_the_sources_own_column_and_says_how_many_more():
    refuse_broken_rows([], {})
    first = BrokenRow(1, "mine:2", "text", "is empty")
    expected = "row 'mine:2', column 'text': is empty; every row needs a text and a label (--drop_broken_rows "
    with pytest.raises(InputError) as refused:
        refuse_broken_rows([first], {})
    assert str(refused.value).startswith(expected)
    with pytest.raises(
        InputError, match="row 'mine:2', column 'title', 'body': is empty; of 3 broken rows it is the first;"
    ):
        refuse_broken_rows([first] * 3, {"text": ["title", "body"], "label": "topic"})
    with pytest.raises(InputError, match="row 'mine:9', column 'topic': has no label;"):
        refuse_broken_rows([BrokenRow(8, "mine:9", "label", "has no label")], {"text": ["body"], "label": "topic"})
