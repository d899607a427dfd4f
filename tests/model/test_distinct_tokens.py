"""Each token once: the rule for token lists, the rule for batches, and what the model does all say the same."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.distinct_tokens import first_occurrences, first_positions
from bbc_classifier.model.truncation import cut_tokens
from tests.tiny import tiny_config, tiny_tokenizer

CLS, SEP, PAD = 2, 3, 0
BODIES = st.lists(st.integers(5, 12), max_size=20)


@pytest.mark.parametrize(
    ("tokens", "read"),
    [
        ([CLS, SEP], [CLS, SEP]),
        ([CLS, 7, 8, 7, 9, 8, SEP], [CLS, 7, 8, 9, SEP]),
        ([CLS, 7, 7, 7, SEP], [CLS, 7, SEP]),
        # A closing token that the text names too still closes it.
        ([CLS, SEP, 7, SEP], [CLS, SEP, 7, SEP]),
        ([], []),
    ],
)
def test_a_token_is_read_where_it_first_stands(tokens, read):
    assert first_occurrences(tokens) == read


@settings(deadline=None)
@given(rows=st.lists(st.tuples(BODIES, st.integers(0, 4)), min_size=1, max_size=4), right=st.integers(0, 5))
def test_a_padded_batch_reads_what_the_lists_read(rows, right):
    lists = [[CLS, *body, SEP] for body, _ in rows]
    width = max(len(row) + left for row, (_, left) in zip(lists, rows, strict=True)) + right
    ids, mask = torch.full((len(rows), width), PAD), torch.zeros(len(rows), width, dtype=torch.int64)
    for row, (tokens, (_, left)) in enumerate(zip(lists, rows, strict=True)):
        ids[row, left : left + len(tokens)] = torch.tensor(tokens)
        mask[row, left : left + len(tokens)] = 1
    columns, kept = first_positions(ids, mask)
    for row, tokens in enumerate(lists):
        assert ids[row][columns[row]][kept[row] == 1].tolist() == first_occurrences(tokens)
        # What is read stands at the left edge, and every column is there once.
        assert kept[row].tolist() == sorted(kept[row].tolist(), reverse=True)
        assert sorted(columns[row].tolist()) == list(range(width))


@pytest.fixture
def classifier() -> PooledEncoderForSequenceClassification:
    torch.manual_seed(0)
    config = PooledEncoderConfig(
        encoder_config=tiny_config(), id2label={0: "a", 1: "b"}, max_input_tokens=8, distinct_tokens=True
    )
    return PooledEncoderForSequenceClassification(config).eval()


@settings(max_examples=20, deadline=None)
@given(body=BODIES)
def test_the_model_reads_of_whole_texts_what_encoding_leaves_of_them(body):
    torch.manual_seed(0)
    config = PooledEncoderConfig(
        encoder_config=tiny_config(), id2label={0: "a", 1: "b"}, max_input_tokens=8, distinct_tokens=True
    )
    classifier = PooledEncoderForSequenceClassification(config).eval()
    whole = [CLS, *body, SEP]
    short = cut_tokens(first_occurrences(whole), 8, "head")
    with torch.no_grad():
        assert torch.allclose(
            classifier(input_ids=torch.tensor([whole])).logits,
            classifier(input_ids=torch.tensor([short])).logits,
            atol=1e-6,
        )


def test_texts_are_encoded_so_and_say_whether_they_were_cut():
    tokenizer = tiny_tokenizer()
    texts = ["the goal the goal the goal the goal", "shares fell market match goal team film music"]
    encoded = encode_texts(tokenizer, texts, 8, "head", distinct=True)
    assert tokenizer.convert_ids_to_tokens(encoded.input_ids[0]) == ["[CLS]", "the", "goal", "[SEP]"]
    assert encoded.truncated == [False, True]


def test_the_setting_ships_with_the_classifier_and_is_checked(classifier, tmp_path):
    classifier.save_pretrained(tmp_path)
    assert PooledEncoderForSequenceClassification.from_pretrained(tmp_path).config.distinct_tokens is True
    with pytest.raises(PooledEncoderError, match="distinct_tokens must be true or false, not 'yes'"):
        PooledEncoderConfig(encoder_config=tiny_config(), distinct_tokens="yes")


def test_embeddings_cannot_be_read_once(classifier):
    with pytest.raises(ValueError, match="compares or counts tokens, which needs input_ids"):
        classifier(inputs_embeds=torch.zeros(1, 4, 24))
