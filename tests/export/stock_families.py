"""Tiny classifiers of every family that a stock class computes, with answers that differ visibly."""

import torch
from transformers import AutoConfig

from bbc_classifier.export.stock_heads import HEAD_ON_POOLER, HEAD_WITH_ACTIVATION, HEAD_WITH_POOLER
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.tiny import FAMILIES, RENAMED, SIZES

SPECIAL = {"bos_token_id": 2, "eos_token_id": 2, "mask_token_id": 4}
OWN_SIZES: dict[str, dict[str, object]] = {
    **{family: {"max_position_embeddings": 65} for family in HEAD_WITH_POOLER},
    **FAMILIES,
    "convbert": {"hidden_size": 32, "embedding_size": 32, "num_attention_heads": 4},
    "deberta": {"type_vocab_size": 0},
    "eurobert": {"num_key_value_heads": 3, **SPECIAL},
    "mobilebert": {
        "embedding_size": 24,
        "intra_bottleneck_size": 24,
        "true_hidden_size": 24,
        "num_feedforward_networks": 1,
    },
    "rembert": {"input_embedding_size": 12, "output_embedding_size": 12, **SPECIAL},
    "roformer": {"embedding_size": 24},
    "squeezebert": {"embedding_size": 24},
    "xmod": {"max_position_embeddings": 65, "languages": ["en_XX"], "default_language": "en_XX"},
}
EXACT = [
    *((family, "pooler") for family in sorted(HEAD_ON_POOLER | HEAD_WITH_POOLER)),
    *(("mobilebert", "cls"), ("deberta", "cls"), ("deberta-v2", "cls"), ("ultrabert", "cls"), ("ultrabert", "mean")),
]
ROUNDED = [
    *((family, "cls") for family in sorted(HEAD_WITH_ACTIVATION)),
    *(("distilbert", "cls"), ("eurobert", "cls"), ("eurobert", "mean")),
]


def stock_classifier(family: str, pooling: str, **options: object) -> PooledEncoderForSequenceClassification:
    """Return a tiny classifier in evaluation mode that reads 40 tokens."""
    torch.manual_seed(0)
    sizes = {name: size for name, size in SIZES.items() if name not in RENAMED.get(family, ())}
    config = PooledEncoderConfig(
        encoder_config=AutoConfig.for_model(family, **{**sizes, **OWN_SIZES.get(family, {})}),
        pooling=pooling,
        **{
            "id2label": dict(enumerate(LABELS)),
            "max_input_tokens": 40,
            "problem_type": "single_label_classification",
            **options,
        },
    )
    model = PooledEncoderForSequenceClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
        torch.nn.init.normal_(model.classifier.bias)
    return model
