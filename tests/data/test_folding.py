"""What is left of a text when case, punctuation and the form of its characters do not count."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.folding import fold, words

QUICK = settings(max_examples=60, deadline=None)
# The Turkish dotless i is the one letter whose capital is another letter's.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="ı"), max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 5-nil!", ["its", "5", "nil"]),
        ("It’s", ["its"]),
        ("  Two\n\nlines\t", ["two", "lines"]),
        ("word—word", ["word", "word"]),
        ("co\u00adoperate", ["cooperate"]),
        ("£1.5bn", ["1", "5bn"]),
        ("Straße", ["strasse"]),
        ("ΟΔΟΣ", ["οδοσ"]),
        ("ＦＵＬＬ ﬁne", ["full", "fine"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("العَرَبِيَّة", ["العَرَبِيَّة"]),
        ("می‌روم", ["میروم"]),
        ("한국어 뉴스", ["한국어", "뉴스"]),
        ("中国新闻。AI", ["中", "国", "新", "闻", "ai"]),
        ("東京のニュース", ["東", "京", "の", "ニ", "ュー", "ス"]),
        # The vowel is two characters in compatibility form: a mark upon the letter, and a letter.
        ("น้ำ", ["น\u0e49\u0e4d", "\u0e32"]),
        ("😀 😀😀", ["😀", "😀😀"]),
        ("", []),
        (" \n", []),
    ],
)
def test_words_are_runs_of_letters_marks_and_digits(text, expected):
    assert words(text) == expected


def test_a_text_without_any_word_keeps_its_characters():
    assert fold("?!") == "?!"
    assert fold("😀") != fold("😡")


@QUICK
@given(TEXTS)
def test_folding_is_running_the_words_together_and_case_never_matters(text):
    assert fold(text) == "".join(words(text))
    assert not set(fold(text)) & set(string.whitespace)
    if any(character.isalnum() for character in text):
        assert fold(text.upper()) == fold(text) == fold(text.lower())


@QUICK
@given(st.lists(st.text(string.ascii_letters + "é中か", min_size=1), min_size=1), st.text(string.punctuation + " \n"))
def test_punctuation_and_spaces_never_matter(parts, noise):
    assert fold(noise.join(parts)) == fold("".join(parts))
