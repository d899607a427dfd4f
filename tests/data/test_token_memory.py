"""Remembered tokens are the tokenizer's own, each text is tokenised once, and no one else's changes reach them."""

import pytest

from bbc_classifier.data import token_memory
from bbc_classifier.data.encode import encode_texts
from bbc_classifier.data.token_memory import TokenMemory
from tests.tiny import tiny_tokenizer

TEXTS = ["shares fell", "the match of the team", "shares fell", "a film"]


@pytest.fixture
def tokenised(monkeypatch) -> list[str]:
    """Every text that a tokenizer was given."""
    given: list[str] = []
    plain = token_memory.token_ids

    def counted(tokenizer, texts):
        given.extend(texts)
        return plain(tokenizer, texts)

    monkeypatch.setattr(token_memory, "token_ids", counted)
    return given


def test_with_and_without_memory_the_tokens_are_the_same_whatever_is_cut(tokenizer):
    memory = TokenMemory()
    for length, truncation, distinct in ((4, "head", False), (4, "head+tail", True), (None, "tail", True)):
        remembered = encode_texts(tokenizer, TEXTS, length, truncation, distinct=distinct, memory=memory)
        assert remembered == encode_texts(tokenizer, TEXTS, length, truncation, distinct=distinct)


def test_a_text_is_tokenised_once_also_by_an_equal_tokenizer_and_again_by_another(tokenizer, tokenised):
    memory = TokenMemory()
    for each in (tokenizer, tokenizer, tiny_tokenizer()):
        encode_texts(each, TEXTS, 8, "head", memory=memory)
    assert sorted(tokenised) == sorted(set(TEXTS))
    other = tiny_tokenizer()
    other.add_tokens(["match of"])
    assert memory.token_ids(other, TEXTS) != memory.token_ids(tokenizer, TEXTS)


def test_whoever_changes_what_was_given_changes_nothing_remembered(tokenizer):
    memory = TokenMemory()
    memory.token_ids(tokenizer, TEXTS)[0].append(99)
    assert memory.token_ids(tokenizer, TEXTS) == token_memory.token_ids(tokenizer, TEXTS)
