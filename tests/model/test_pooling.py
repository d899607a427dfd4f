"""Poolings: values worked out by hand, what padding may not change, and the registry that users extend."""

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from bbc_classifier import model as library
from bbc_classifier.model import POOLINGS, PooledEncoderConfig, PooledEncoderForSequenceClassification, legal_poolings
from tests.model.conftest import loud_classifier, ragged_batch, random_ids
from tests.tiny import FAMILIES

# Two rows of three tokens, two numbers per token; the second row's last token is padding with absurd contents.
HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, -4.0], [5.0, 0.0]], [[-1.0, -2.0], [-3.0, -6.0], [1e6, -1e6]]])
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])
VALUES = {
    "cls": [[1.0, 2.0], [-1.0, -2.0]],
    "mean": [[3.0, -2 / 3], [-2.0, -4.0]],
    "max": [[5.0, 2.0], [-1.0, -2.0]],
    "cls+mean": [[1.0, 2.0, 3.0, -2 / 3], [-1.0, -2.0, -2.0, -4.0]],
    "pooler": [[0.5, 0.25], [-0.5, -0.25]],
}
CONFIG = PooledEncoderConfig({"model_type": "bert", "hidden_size": 2, "num_attention_heads": 1})


def output_of(hidden: torch.Tensor) -> BaseModelOutputWithPooling:
    pooler = torch.tensor([[0.5, 0.25], [-0.5, -0.25]], dtype=hidden.dtype)
    return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooler)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("mask_dtype", [torch.int64, torch.float32, torch.bool])
def test_values_by_hand(name, mask_dtype):
    pooling = POOLINGS[name](CONFIG)
    pooled = pooling(output_of(HIDDEN), MASK.to(mask_dtype))
    torch.testing.assert_close(pooled, torch.tensor(VALUES[name]))
    assert pooled.shape[1] == pooling.width


def test_attention_weights_are_the_softmax_of_scores():
    pooling = POOLINGS["attention"](CONFIG)
    with torch.no_grad():
        pooling.projection.weight.copy_(torch.eye(2))
        pooling.projection.bias.zero_()
        pooling.context.weight.copy_(torch.tensor([[1.0, 0.0]]))
    # The scores are tanh of each token's first number.
    weights = [torch.tensor(values).tanh().softmax(0) for values in ([1.0, 3.0, 5.0], [-1.0, -3.0])]
    expected = torch.stack([weights[0] @ HIDDEN[0], weights[1] @ HIDDEN[1, :2]])
    torch.testing.assert_close(pooling(output_of(HIDDEN), MASK), expected)


@pytest.mark.parametrize("name", [*VALUES, "attention"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_no_real_token_and_a_long_row_in_float16_stay_finite(name, dtype):
    pooling = POOLINGS[name](CONFIG).to(dtype)
    hidden, mask = HIDDEN.clamp(-10, 10).to(dtype), torch.tensor([[1, 1, 1], [0, 0, 0]])
    pooled = pooling(output_of(hidden), mask)
    assert pooled.dtype == dtype and pooled.abs().max() <= 10
    hidden = torch.full((2, 3000, 2), 100.0, dtype=dtype)  # the sum is beyond float16
    pooled = pooling(output_of(hidden), torch.ones(2, 3000))
    assert name == "pooler" or torch.allclose(pooled, torch.full_like(pooled, 100.0), rtol=1e-3)


class LayerMean(library.Pooling):
    """A user's pooling: a learned mean of the layers' first tokens."""

    needs_hidden_states = True

    def __init__(self, config):
        super().__init__(config)
        self.scores = torch.nn.Parameter(torch.arange(config.encoder_config.num_hidden_layers + 1.0))

    def forward(self, encoder_output, attention_mask):
        layers = torch.stack([layer[:, 0] for layer in encoder_output.hidden_states])
        return torch.einsum("l,lbh->bh", self.scores.softmax(0), layers)


def test_a_users_pooling_over_layers_trains_saves_and_loads(monkeypatch, tmp_path):
    monkeypatch.setattr("bbc_classifier.model.modeling_pooled_encoder.POOLINGS", dict(POOLINGS))
    for _ in range(2):  # as a notebook's cell that runs twice
        library.register_pooling("layer-mean")(LayerMean)
    with pytest.raises(ValueError, match="'mean' is already registered"):
        library.register_pooling("mean")(LayerMean)
    model = loud_classifier(pooling="layer-mean")
    batch = {**ragged_batch(), "labels": torch.tensor([0, 1, 2])}
    output = model(**batch)
    assert output.hidden_states is None  # unless asked for: the Trainer would gather them
    output.loss.backward()
    assert model.pooling.scores.grad.abs().sum() > 0
    model.save_pretrained(tmp_path)
    assert torch.equal(PooledEncoderForSequenceClassification.from_pretrained(tmp_path)(**batch).logits, output.logits)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=rf"'layer-mean'.*'{__name__}': import that module"):
        PooledEncoderForSequenceClassification.from_pretrained(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_pooler_pooling_keeps_a_pooler_and_every_parameter_is_trained(family):
    for pooling in legal_poolings(family):
        model = loud_classifier(family, pooling)
        has_pooler = any(name.startswith("encoder.pooler") for name, _ in model.named_parameters())
        assert has_pooler == POOLINGS[pooling].needs_encoder_pooler
        own = {name.partition(".")[0] for name, _ in model.named_parameters()}
        assert own - {"pooling"} == {"encoder", "classifier"}  # what LoRA's modules_to_save names
        model(input_ids=random_ids(2, 5)).logits.sum().backward()
        # Distributed training relies on this.
        assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    if "pooler" not in legal_poolings(family):
        with pytest.raises(ValueError, match=rf"'pooler' is not one of cls, mean, .* for a {family} encoder"):
            loud_classifier(family, "pooler")
