"""Truncation: the rule for token lists, the rule for batches, and what the model does all say the same."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.model.truncation import TRUNCATIONS, cut_tokens, kept_ends, kept_positions
from tests.model.conftest import random_ids

MOST = 16


@pytest.mark.parametrize(("truncation", "ends"), [("head", (511, 1)), ("tail", (1, 511)), ("head+tail", (128, 384))])
def test_what_is_kept_of_the_full_length_is_as_published(truncation, ends):
    assert kept_ends(512, truncation) == ends


@given(length=st.integers(2, 60), most=st.integers(3, 40), truncation=st.sampled_from(TRUNCATIONS))
def test_a_cut_list_keeps_both_special_tokens_and_the_order(length, most, truncation):
    tokens = list(range(length))
    kept = cut_tokens(tokens, most, truncation)
    assert len(kept) == min(length, most)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, length - 1)


def test_without_a_limit_nothing_is_cut():
    tokens = list(range(1000))
    mask = torch.ones(2, 1000, dtype=torch.int64)
    columns, kept_mask = kept_positions(mask, None, "head")
    assert cut_tokens(tokens, None, "head") == tokens
    assert columns.tolist() == [tokens, tokens]
    assert torch.equal(kept_mask, mask)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(2, 40), st.integers(0, 8)), min_size=1, max_size=4),
    right=st.integers(0, 8),
    most=st.integers(3, 30),
    truncation=st.sampled_from(TRUNCATIONS),
)
def test_a_padded_batch_keeps_what_the_lists_keep(rows, right, most, truncation):
    width = max(length + left for length, left in rows) + right
    mask = torch.zeros(len(rows), width, dtype=torch.int64)
    for row, (length, left) in enumerate(rows):
        mask[row, left : left + length] = 1
    columns, kept_mask = kept_positions(mask, most, truncation)
    for row, (length, left) in enumerate(rows):
        real = columns[row][kept_mask[row] == 1].tolist()
        assert real == cut_tokens(list(range(left, left + length)), most, truncation)
        # The real tokens stand at the left edge, and no column lies outside the batch.
        assert kept_mask[row].tolist() == sorted(kept_mask[row].tolist(), reverse=True)
    assert 0 <= columns.min() <= columns.max() < width


def test_tokens_masked_within_a_row_stay_masked():
    mask = torch.tensor([[0, 1, 1, 0, 1, 0]])
    columns, kept_mask = kept_positions(mask, None, "head")
    assert columns[0, :4].tolist() == [1, 2, 3, 4]
    assert kept_mask.tolist() == [[1, 1, 0, 1, 0, 0]]


def test_head_truncation_is_the_tokenizers_own(tokenizer):
    text = "shares fell and the minister of music said the match was a goal for the party " * 3
    whole = tokenizer(text)["input_ids"]
    own = tokenizer(text, truncation=True, max_length=MOST)["input_ids"]
    assert len(whole) > MOST
    assert cut_tokens(whole, MOST, "head") == own


def padded(tokens: torch.Tensor, left: int, right: int) -> dict[str, torch.Tensor]:
    """Return one row of tokens as a batch with random tokens, masked, on both sides."""
    ids = torch.cat([random_ids(1, left, seed=1), tokens.unsqueeze(0), random_ids(1, right, seed=2)], dim=1)
    mask = torch.zeros_like(ids)
    mask[:, left : left + len(tokens)] = 1
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("family", ["bert", "roberta"])
@torch.inference_mode()
def test_the_model_reads_of_a_long_input_what_the_rule_keeps(loud_classifier, family, truncation):
    model = loud_classifier(family, max_input_tokens=MOST, truncation=truncation)
    whole = random_ids(1, 40)[0]
    cut = torch.tensor(cut_tokens(whole.tolist(), MOST, truncation))
    expected = model(input_ids=cut.unsqueeze(0)).logits
    for left, right in ((0, 0), (0, 9), (9, 0), (4, 5)):
        batch = padded(whole, left, right)
        torch.testing.assert_close(model(**batch).logits, expected, rtol=1e-4, atol=2e-5)
        embeddings = model.get_input_embeddings()(batch["input_ids"])
        by_embeddings = model(inputs_embeds=embeddings, attention_mask=batch["attention_mask"]).logits
        torch.testing.assert_close(by_embeddings, expected, rtol=1e-4, atol=2e-5)
    other = model(input_ids=whole[:MOST].unsqueeze(0)).logits
    assert (other - expected).abs().max() > 1e-3  # cutting elsewhere would show


@torch.inference_mode()
def test_token_types_and_positions_are_cut_with_their_tokens(loud_classifier):
    model = loud_classifier(max_input_tokens=MOST, truncation="head+tail")
    ids, types = random_ids(1, 40), (torch.arange(40) >= 20).long().unsqueeze(0)
    positions = torch.arange(40).flip(0).unsqueeze(0)
    kept = torch.tensor([cut_tokens(list(range(40)), MOST, "head+tail")])
    expected = model(
        input_ids=ids.gather(1, kept), token_type_ids=types.gather(1, kept), position_ids=positions.gather(1, kept)
    ).logits
    assert torch.equal(model(input_ids=ids, token_type_ids=types, position_ids=positions).logits, expected)


@torch.inference_mode()
def test_one_row_of_token_types_stands_for_the_whole_batch(loud_classifier):
    model = loud_classifier()
    ids, types = random_ids(3, 8), torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    expected = model(input_ids=ids, token_type_ids=types.expand(3, -1)).logits
    assert torch.equal(model(input_ids=ids, token_type_ids=types).logits, expected)
