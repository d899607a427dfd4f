"""Poolings: values worked out by hand, what padding may not change, and the registry that users extend."""

import importlib

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from bbc_classifier.model import (
    POOLINGS,
    PooledEncoderConfig,
    PooledEncoderForSequenceClassification,
    Pooling,
    legal_poolings,
    register_pooling,
)
from tests.model.conftest import loud_classifier, ragged_batch, random_ids
from tests.tiny import FAMILIES, tiny_config

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
USER_MODULE = """
import torch
from bbc_classifier.model import Pooling, register_pooling

@register_pooling("layer-mean")
class LayerMean(Pooling):
    needs_hidden_states = True

    def __init__(self, config):
        super().__init__(config)
        self.scores = torch.nn.Parameter(torch.arange(config.encoder_config.num_hidden_layers + 1.0))

    def forward(self, encoder_output, attention_mask):
        layers = torch.stack([layer[:, 0] for layer in encoder_output.hidden_states])
        return torch.einsum("l,lbh->bh", self.scores.softmax(0), layers)
"""


def output_of(hidden: torch.Tensor) -> BaseModelOutputWithPooling:
    pooler = torch.tensor([[0.5, 0.25], [-0.5, -0.25]], dtype=hidden.dtype)
    return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooler)


@pytest.mark.parametrize("name", VALUES)
def test_values_by_hand(name):
    pooling = POOLINGS[name](CONFIG)
    pooled = pooling(output_of(HIDDEN), MASK)
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
@pytest.mark.parametrize("mask_dtype", [torch.int64, torch.float32, torch.bool])
def test_masked_positions_never_matter(name, mask_dtype):
    pooling, other = POOLINGS[name](CONFIG), HIDDEN.clone()
    other[1, 2] = torch.tensor([-7.0, 123.0])
    mask = MASK.to(mask_dtype)
    assert torch.equal(pooling(output_of(HIDDEN), mask), pooling(output_of(other), mask))


@pytest.mark.parametrize("name", [*VALUES, "attention"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_row_without_real_tokens_stays_finite(name, dtype):
    hidden = HIDDEN.clamp(-10, 10).to(dtype)
    pooled = POOLINGS[name](CONFIG).to(dtype)(output_of(hidden), torch.tensor([[1, 1, 1], [0, 0, 0]]))
    assert pooled.dtype == dtype
    assert pooled.abs().max() <= 10


def test_a_mean_in_float16_is_summed_in_float32():
    hidden = torch.full((1, 3000, 2), 100.0, dtype=torch.float16)  # the sum is beyond float16
    pooled = POOLINGS["mean"](CONFIG)(output_of(hidden), torch.ones(1, 3000, dtype=torch.int64))
    assert torch.equal(pooled, torch.full((1, 2), 100.0, dtype=torch.float16))


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "my_poolings.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("my_poolings")
    POOLINGS.pop("layer-mean", None)


def test_a_users_pooling_over_layers_trains_saves_and_loads(user_module, tmp_path):
    model = loud_classifier(pooling="layer-mean")
    batch = {**ragged_batch(), "labels": torch.tensor([0, 1, 2])}
    output = model(**batch)
    assert output.hidden_states is None  # unless asked for: the Trainer would gather them
    assert len(model(**batch, output_hidden_states=True).hidden_states) == 3
    output.loss.backward()
    assert model.pooling.scores.grad.abs().sum() > 0
    importlib.reload(user_module)  # a notebook's cell that runs twice registers the class again
    model.save_pretrained(tmp_path / "model")
    again = PooledEncoderForSequenceClassification.from_pretrained(tmp_path / "model")
    assert torch.equal(again(**batch).logits, output.logits)
    POOLINGS.pop("layer-mean")
    with pytest.raises(ValueError, match=r"'layer-mean'.*'my_poolings': import that module"):
        PooledEncoderForSequenceClassification.from_pretrained(tmp_path / "model")


def test_a_name_belongs_to_one_class():
    with pytest.raises(ValueError, match="'mean' is already registered"):

        @register_pooling("mean")
        class Other(Pooling):
            pass


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_pooler_pooling_keeps_a_pooler_and_every_parameter_is_trained(family):
    for pooling in legal_poolings(family):
        model = loud_classifier(family, pooling)
        has_pooler = any(name.startswith("encoder.pooler") for name, _ in model.named_parameters())
        assert has_pooler == POOLINGS[pooling].needs_encoder_pooler
        model(input_ids=random_ids(2, 5)).logits.sum().backward()
        # Distributed training relies on this.
        assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


@pytest.mark.parametrize("family", ["distilbert", "electra", "deberta-v2", "modernbert"])
def test_an_encoder_without_pooler_cannot_have_that_pooling(family):
    with pytest.raises(ValueError, match=rf"'pooler' is not one of cls, mean, .* for a {family} encoder"):
        PooledEncoderForSequenceClassification(PooledEncoderConfig(tiny_config(family), "pooler"))


def test_parameters_live_in_modules_that_lora_can_train_in_full():
    # peft: modules_to_save=["pooling", "classifier"]
    model = loud_classifier(pooling="attention")
    outside = {name.partition(".")[0] for name, _ in model.named_parameters()} - {"encoder"}
    assert outside == {"pooling", "classifier"}
    assert {name for name, _ in model.named_children()} >= {"pooling", "classifier"}
