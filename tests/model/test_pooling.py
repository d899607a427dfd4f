"""Poolings: the values of a few small tensors worked out by hand, and what none of them may depend on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.modeling_outputs import BaseModelOutputWithPooling

from bbc_classifier.model.pooling import POOLINGS

# Two rows of three tokens, two numbers per token; the second row's last token is padding with absurd contents.
HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, -4.0], [5.0, 0.0]], [[-1.0, -2.0], [-3.0, -6.0], [1e6, -1e6]]])
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])
WITHOUT_OWN_WEIGHTS = {
    "cls": [[1.0, 2.0], [-1.0, -2.0]],
    "mean": [[3.0, -2 / 3], [-2.0, -4.0]],
    "max": [[5.0, 2.0], [-1.0, -2.0]],
    "cls+mean": [[1.0, 2.0, 3.0, -2 / 3], [-1.0, -2.0, -2.0, -4.0]],
    "pooler": [[0.5, 0.25], [-0.5, -0.25]],
}


def output_of(hidden: torch.Tensor) -> BaseModelOutputWithPooling:
    return BaseModelOutputWithPooling(
        last_hidden_state=hidden, pooler_output=torch.tensor([[0.5, 0.25], [-0.5, -0.25]], dtype=hidden.dtype)
    )


@pytest.mark.parametrize("name", WITHOUT_OWN_WEIGHTS)
def test_a_pooling_gives_the_values_worked_out_by_hand(name):
    pooling = POOLINGS[name](2)
    pooled = pooling(output_of(HIDDEN), MASK)
    torch.testing.assert_close(pooled, torch.tensor(WITHOUT_OWN_WEIGHTS[name]))
    assert pooled.shape[1] == pooling.width


def test_attention_pooling_weighs_tokens_by_the_softmax_of_their_scores():
    pooling = POOLINGS["attention"](2)
    with torch.no_grad():
        pooling.projection.weight.copy_(torch.eye(2))
        pooling.projection.bias.zero_()
        pooling.context.weight.copy_(torch.tensor([[1.0, 0.0]]))
    # The scores are tanh of each token's first number, so the weights are their exponentials' shares.
    first = [torch.tensor(values).tanh().exp() for values in ([1.0, 3.0, 5.0], [-1.0, -3.0])]
    shares = [values / values.sum() for values in first]
    expected = torch.stack([shares[0] @ HIDDEN[0], shares[1] @ HIDDEN[1, :2]])
    torch.testing.assert_close(pooling(output_of(HIDDEN), MASK), expected)


def test_every_pooling_has_a_test_of_its_values():
    assert set(POOLINGS) == {*WITHOUT_OWN_WEIGHTS, "attention"}


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("mask_dtype", [torch.int64, torch.float32, torch.bool])
def test_the_contents_of_masked_positions_never_matter(name, mask_dtype):
    pooling = POOLINGS[name](2)
    other = HIDDEN.clone()
    other[1, 2] = torch.tensor([-7.0, 123.0])
    mask = MASK.to(mask_dtype)
    assert torch.equal(pooling(output_of(HIDDEN), mask), pooling(output_of(other), mask))


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_row_without_any_real_token_gives_finite_numbers_of_ordinary_size(name, dtype):
    hidden = HIDDEN.clamp(-10, 10).to(dtype)
    pooled = POOLINGS[name](2).to(dtype)(output_of(hidden), torch.tensor([[1, 1, 1], [0, 0, 0]]))
    assert pooled.dtype == dtype
    assert pooled.abs().max() <= 10


def test_a_mean_in_half_precision_is_summed_in_full_precision():
    # 3,000 tokens of 100 sum to 300,000, which float16 cannot hold.
    hidden = torch.full((1, 3000, 2), 100.0, dtype=torch.float16)
    pooled = POOLINGS["mean"](2)(output_of(hidden), torch.ones(1, 3000, dtype=torch.int64))
    assert torch.equal(pooled, torch.full((1, 2), 100.0, dtype=torch.float16))


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from([name for name in POOLINGS if name != "pooler"]),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    extra=st.integers(0, 5),
    seed=st.integers(0, 1000),
)
def test_a_row_pooled_in_a_padded_batch_equals_the_row_pooled_alone(name, lengths, extra, seed):
    torch.manual_seed(seed)
    pooling = POOLINGS[name](4)
    hidden = torch.randn(len(lengths), max(lengths) + extra, 4)
    mask = (torch.arange(hidden.shape[1]) < torch.tensor(lengths).unsqueeze(1)).long()
    together = pooling(BaseModelOutputWithPooling(last_hidden_state=hidden), mask)
    for row, length in enumerate(lengths):
        alone_hidden = BaseModelOutputWithPooling(last_hidden_state=hidden[row : row + 1, :length])
        alone = pooling(alone_hidden, torch.ones(1, length, dtype=torch.int64))
        torch.testing.assert_close(together[row : row + 1], alone)
