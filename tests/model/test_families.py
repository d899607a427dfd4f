"""Every family under every pooling it can have: the same answer however the batch is laid out."""

import pytest
import torch
from transformers import AutoConfig

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.model.configuration_pooled_encoder import legal_poolings
from bbc_classifier.model.pooling import POOLINGS
from tests.model.conftest import random_ids
from tests.tiny import FAMILIES, SIZES, tiny_config

PAIRS = [(family, pooling) for family in sorted(FAMILIES) for pooling in legal_poolings(family)]
# Encoders whose classes build a pooler whether it is wanted or not.
ALWAYS_WITH_POOLER = {"layoutlm": {}, "squeezebert": {"embedding_size": 24}}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_answers_with_one_row_of_logits_per_text(tiny_classifier, family):
    model = tiny_classifier(family)
    logits = model(input_ids=torch.randint(5, 60, (3, 9))).logits
    assert logits.shape == (3, 5)
    assert torch.isfinite(logits).all()


def lay_out(rows: list[torch.Tensor], width: int, side: str, seed: int) -> dict[str, torch.Tensor]:
    """Return a batch padded to `width` on one side; the padding holds random tokens, which the mask hides."""
    ids = random_ids(len(rows), width, seed)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        place = slice(0, len(tokens)) if side == "right" else slice(width - len(tokens), width)
        ids[row, place], mask[row, place] = tokens, 1
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize(("family", "pooling"), PAIRS)
@torch.inference_mode()
def test_padding_and_batch_order_never_change_an_answer(loud_classifier, family, pooling):
    model = loud_classifier(family, pooling)
    rows = [random_ids(1, length, seed=length)[0] for length in (7, 2, 12)]
    alone = torch.cat([model(input_ids=row.unsqueeze(0)).logits for row in rows])
    assert alone.std(0).min() > 1e-3  # the three answers differ, so mixing them up would show
    for side, width in (("right", 12), ("right", 31), ("left", 12), ("left", 31)):
        together = model(**lay_out(rows, width, side, seed=width)).logits
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=2e-5)
    order = [2, 0, 1]
    reordered = model(**lay_out([rows[row] for row in order], 12, "right", seed=1)).logits
    torch.testing.assert_close(reordered, alone[order], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(("family", "pooling"), PAIRS)
@torch.inference_mode()
def test_a_row_without_any_real_token_spoils_neither_itself_nor_its_neighbours(loud_classifier, family, pooling):
    model = loud_classifier(family, pooling)
    ids = random_ids(2, 6)
    logits = model(input_ids=ids, attention_mask=torch.tensor([[1] * 6, [0] * 6])).logits
    assert torch.isfinite(logits).all()
    assert logits.abs().max() < 1e4
    torch.testing.assert_close(logits[:1], model(input_ids=ids[:1]).logits, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@torch.inference_mode()
def test_input_longer_than_the_positions_of_any_family_is_cut_not_refused(loud_classifier, family):
    model = loud_classifier(family)
    assert model.config.max_input_tokens == 64
    ids = random_ids(2, 90)
    cut = torch.cat([ids[:, :63], ids[:, -1:]], dim=1)
    torch.testing.assert_close(model(input_ids=ids).logits, model(input_ids=cut).logits)


@pytest.mark.parametrize("family", [*sorted(FAMILIES), *ALWAYS_WITH_POOLER])
def test_no_pooler_parameters_are_left_where_the_pooling_uses_none(family):
    extra = ALWAYS_WITH_POOLER.get(family)
    encoder_config = tiny_config(family) if extra is None else AutoConfig.for_model(family, **SIZES, **extra)
    for pooling in legal_poolings(family):
        model = PooledEncoderForSequenceClassification(PooledEncoderConfig(encoder_config, pooling))
        has_pooler = any(name.startswith("encoder.pooler") for name, _ in model.named_parameters())
        assert has_pooler == POOLINGS[pooling].needs_encoder_pooler, pooling
        model(input_ids=random_ids(2, 5)).logits.sum().backward()
        # Distributed training relies on every parameter taking part.
        unused = {name for name, parameter in model.named_parameters() if parameter.grad is None}
        assert not unused, (pooling, unused)


@torch.inference_mode()
def test_an_encoder_type_with_two_classes_uses_the_one_that_keeps_every_token():
    # The library maps funnel to two classes; the second one shortens the sequence.
    sizes = {"vocab_size": 162, "d_model": 24, "n_head": 3, "d_head": 8, "d_inner": 32, "block_sizes": [1, 1]}
    encoder_config = AutoConfig.for_model("funnel", **sizes)
    model = PooledEncoderForSequenceClassification(PooledEncoderConfig(encoder_config)).eval()
    assert type(model.encoder).__name__ == "FunnelModel"
    assert model(input_ids=random_ids(2, 8)).logits.shape == (2, 2)
