"""Titles, first sentences and opening words."""

import pytest

from bbc_classifier.data.loading import excerpts, has_titles, with_excerpts

TEXT = 'Ads boost profit\nProfits at U.S. media giant Time rose 76% to $1.13bn. "The firm" said so.\n\n' + "word " * 40


def test_parts_of_a_text_with_title():
    title, sentence = "Ads boost profit", "Profits at U.S. media giant Time rose 76% to $1.13bn."
    parts = {"title": title, "first_sentence": sentence, "first_30_words": " ".join(TEXT.split()[:30])}
    assert excerpts(TEXT, titled=True) == parts


@pytest.mark.parametrize(
    ("text", "titled", "sentence"),
    [
        ("One. Two.", False, "One."),
        ("No end", False, "No end"),
        ("He said “go.” Then he went.", False, "He said “go.”"),
        ("version 2.0 of it. ok", False, "version 2.0 of it. ok"),
        ("A heading\n\nThe text.", False, "A heading"),
        ("", False, ""),
        ("Only a title", True, "Only a title"),
    ],
)
def test_first_sentence(text, titled, sentence):
    assert excerpts(text, titled)["first_sentence"] == sentence


def test_titles_are_found_in_data_not_in_single_texts():
    assert has_titles([TEXT] * 9 + ["no title"])
    assert not has_titles([TEXT] * 8 + ["no title"] * 2)
    assert not has_titles(["long first line " * 10 + "\nrest"] * 5) and not has_titles([])


def test_excerpts_shorter_than_the_text_follow_the_texts():
    texts, numbers = with_excerpts(["Short one", TEXT, "One. Two."], titled=False)
    assert texts[:3] == ["Short one", TEXT, "One. Two."] and texts[5] == "One."
    assert numbers == [0, 1, 2, 1, 1, 2]
