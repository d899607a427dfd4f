"""What the model's tests share."""

from collections.abc import Callable

import pytest
import torch

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.tiny import tiny_config

# Families as they are pretrained, where the tiny ones are simpler: relative positions, a sliding window.
RELATIVE = {
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 6},
}


def make_loud_classifier(
    family: str = "bert", pooling: str = "mean", **options: object
) -> PooledEncoderForSequenceClassification:
    """Return a tiny classifier whose matrices are ten times their usual size: answers that differ, differ visibly."""
    torch.manual_seed(0)
    config = PooledEncoderConfig(
        encoder_config=tiny_config(family, **RELATIVE.get(family, {})),
        pooling=pooling,
        id2label=dict(enumerate(LABELS)),
        **options,
    )
    model = PooledEncoderForSequenceClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return model


@pytest.fixture
def loud_classifier() -> Callable[..., PooledEncoderForSequenceClassification]:
    return make_loud_classifier


def random_ids(rows: int, tokens: int, seed: int = 0) -> torch.Tensor:
    """Return token ids of real words and letters, (rows, tokens), never a special token."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(5, 150, (rows, tokens), generator=generator)
