"""Texts are cut by the one truncation rule, and the special tokens always stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.encode import encode_texts
from tests.tiny import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CLS, SEP = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id
TRUNCATIONS = ("head", "tail", "head+tail")
# Ten tokens once the special ones are around it.
TEN = "shares fell market match goal team film music"


def words(ids: list[int]) -> str:
    return " ".join(TOKENIZER.convert_ids_to_tokens(ids))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5), st.integers(3, 40))
def test_head_equals_the_tokenizers_own_truncation(texts, max_length):
    ours = encode_texts(TOKENIZER, texts, max_length, "head").input_ids
    theirs = [TOKENIZER(text, truncation=True, max_length=max_length)["input_ids"] for text in texts]
    assert ours == theirs


@pytest.mark.parametrize(
    ("truncation", "expected"),
    [
        ("head", "[CLS] shares fell market match [SEP]"),
        ("tail", "[CLS] goal team film music [SEP]"),
        ("head+tail", "[CLS] shares team film music [SEP]"),
    ],
)
def test_each_way_of_cutting_keeps_the_tokens_worked_out_by_hand(truncation, expected):
    encoded = encode_texts(TOKENIZER, [TEN], 6, truncation)
    assert words(encoded.input_ids[0]) == expected
    assert encoded.truncated == [True]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.integers(3, 64), st.sampled_from(TRUNCATIONS))
def test_no_text_exceeds_the_length_and_the_special_tokens_stay(text, max_length, truncation):
    encoded = encode_texts(TOKENIZER, [text], max_length, truncation)
    (ids,), (whole,) = encoded.input_ids, encode_texts(TOKENIZER, [text], None, truncation).input_ids
    assert len(ids) == min(len(whole), max_length)
    assert (ids[0], ids[-1]) == (CLS, SEP)
    assert encoded.truncated == [len(whole) > max_length]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_a_text_that_just_fits_is_not_cut(truncation):
    encoded = encode_texts(TOKENIZER, [TEN, TEN + " actor"], 10, truncation)
    assert encoded.truncated == [False, True]
    assert encoded.truncated_share == 0.5


def test_no_texts_give_no_rows():
    encoded = encode_texts(TOKENIZER, [], 16, "head")
    assert (encoded.input_ids, encoded.truncated, encoded.truncated_share) == ([], [], 0)
    assert encoded.rows([]) == []


def test_an_empty_text_is_its_special_tokens():
    assert encode_texts(TOKENIZER, ["", "  \n"], 16, "tail").input_ids == [[CLS, SEP], [CLS, SEP]]


@pytest.mark.parametrize("text", ["naïve café 🏆🏆", "שלום עולם", "مرحبا", "新闻", "e\u0301\u200d\u202e", "\x00"])
@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_any_script_is_encoded(text, truncation):
    (ids,) = encode_texts(TOKENIZER, [text], 5, truncation).input_ids
    assert (ids[0], ids[-1]) == (CLS, SEP)
    assert len(ids) <= 5


def test_a_very_long_text_is_cut_at_both_ends_without_a_warning(recwarn, caplog):
    text = " ".join(["shares"] * 50_000 + ["goal"])
    (ids,) = encode_texts(TOKENIZER, [text], 64, "head+tail").input_ids
    assert len(ids) == 64
    assert words(ids[-2:]) == "goal [SEP]"
    assert not recwarn.list and not caplog.records


def test_an_earlier_call_that_truncated_and_padded_leaves_no_trace():
    before = encode_texts(TOKENIZER, [TEN], None, "head").input_ids
    TOKENIZER([TEN, "a"], truncation=True, max_length=4, padding="max_length")
    assert encode_texts(TOKENIZER, [TEN], None, "head").input_ids == before


def test_rows_carry_ids_mask_and_label():
    rows = encode_texts(TOKENIZER, ["goal", TEN], 6, "head").rows([3, 0])
    assert [row["labels"] for row in rows] == [3, 0]
    assert [len(row["attention_mask"]) for row in rows] == [len(row["input_ids"]) for row in rows] == [3, 6]


def test_rows_of_label_sets_carry_a_float_per_label():
    rows = encode_texts(TOKENIZER, ["goal", TEN], 6, "head").rows(np.array([[1, 0, 1], [0, 0, 0]], dtype=np.float32))
    assert [row["labels"] for row in rows] == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    assert all(isinstance(value, float) for row in rows for value in row["labels"])


def test_rows_refuse_another_number_of_labels():
    with pytest.raises(ValueError, match="shorter"):
        encode_texts(TOKENIZER, ["goal", "team"], 6, "head").rows([1])
