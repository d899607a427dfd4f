"""Which columns are text and label: as named, by their names, or by being the only ones left."""

import pytest

from bbc_classifier.data.columns import LABEL_NAMES, TEXT_NAMES, Columns, choose_columns, choose_text_columns
from bbc_classifier.errors import InputError

# The columns there are, those asked for as text, the one asked for as label, and what is chosen.
CHOICES = [
    (["text", "label"], None, None, (["text"], "label")),
    (["id", "Category", "CONTENT"], None, None, (["CONTENT"], "Category")),
    ([" text ", "label\n"], None, None, ([" text "], "label\n")),
    (["title", "body", "topic"], None, None, (["body"], "topic")),
    (["topic", "label", "text"], None, None, (["text"], "label")),
    (["text", "what it is"], None, None, (["text"], "what it is")),
    (["what it says", "label"], None, None, (["what it says"], "label")),
    (["title", "body", "topic"], ["title", "body"], None, (["title", "body"], "topic")),
    (["body", "title", "topic"], ["title", "body"], None, (["title", "body"], "topic")),
    (["text", "label", "mine"], None, "mine", (["text"], "mine")),
    (["label", "headline"], ["label"], "headline", (["label"], "headline")),
    (["text", "label", "topic"], ["label"], None, (["label"], "topic")),
    (["the text", "the class"], ["the text"], None, (["the text"], "the class")),
    (["النص", "التصنيف"], ["النص"], None, (["النص"], "التصنيف")),
    (["e\u0301", "👩‍👩‍👧"], ["e\u0301"], "👩‍👩‍👧", (["e\u0301"], "👩‍👩‍👧")),
]


@pytest.mark.parametrize(("names", "text", "label", "chosen"), CHOICES, ids=lambda value: str(value))
def test_columns_are_chosen(names, text, label, chosen):
    assert choose_columns("'mine.csv'", names, text, label) == Columns(*chosen)


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_every_usual_name_of_a_text_is_known(name):
    assert choose_columns("", ["id", "label", "other", name.upper()], None, None).text == [name.upper()]


@pytest.mark.parametrize("name", LABEL_NAMES)
def test_every_usual_name_of_a_label_is_known(name):
    assert choose_columns("", ["id", "text", "other", name.title()], None, None).label == name.title()


REFUSED = [
    (["a", "b"], ["c"], None, "--text_column: 'mine.csv' has no column 'c'; it has 'a', 'b'"),
    (["a", "b"], ["a", "c"], None, "--text_column: 'mine.csv' has no column 'c'; it has 'a', 'b'"),
    (["a", "text"], None, "c", "--label_column: 'mine.csv' has no column 'c'; it has 'a', 'text'"),
    (["Text", "label"], ["text"], None, "--text_column: 'mine.csv' has no column 'text'; it has 'Text', 'label'"),
    (
        ["a", "b", "label"],
        None,
        None,
        "'mine.csv': which column holds the text? It has 'a', 'b', 'label', and none is ",
    ),
    (["a", "b", "text"], None, None, "'mine.csv': which column holds the label? It has 'a', 'b', 'text', and none is "),
    (["a", "b"], None, None, "which column holds the text?"),
    (["text"], None, None, "which column holds the label?"),
    (["text", "label"], ["text"], "text", "'mine.csv': the column 'text' cannot be both text and label"),
]


@pytest.mark.parametrize(("names", "text", "label", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_the_message_lists_the_columns_there_are(names, text, label, message):
    with pytest.raises(InputError) as refused:
        choose_columns("'mine.csv'", names, text, label)
    assert message in str(refused.value)


def test_what_cannot_be_told_says_which_names_are_known_and_which_flag_helps():
    with pytest.raises(InputError, match="called text, content, body, article or the like; say so with --text_column"):
        choose_columns("'mine.csv'", ["a", "b", "label"], None, None)
    with pytest.raises(InputError, match=r"called label, labels, label_text, category .* say so with --label_column"):
        choose_columns("'mine.csv'", ["a", "b", "text"], None, None)


def test_a_table_without_labels_needs_a_text_alone():
    assert choose_text_columns("", ["id", "headline"], None) == ["headline"]
    assert choose_text_columns("", ["whatever"], None) == ["whatever"]
    assert choose_text_columns("", ["id", "a", "b"], ["b", "a"]) == ["b", "a"]
    with pytest.raises(InputError, match="which column holds the text"):
        choose_text_columns("'mine.csv'", ["a", "b"], None)
    with pytest.raises(InputError, match="has no column 'c'; it has 'a', 'b'"):
        choose_text_columns("'mine.csv'", ["a", "b"], ["c"])
