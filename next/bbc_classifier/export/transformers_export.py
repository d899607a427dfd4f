"""A classifier as a stock class of transformers, where one computes the same logits: no remote code to load it.

A stock class is an encoder with a head of its authors' choice; this package's is a pooling and a linear layer. Both are
the same function where the stock head is that linear layer, where it applies the encoder's own pooler, or where its
activation can be undone: f(z) - f(-z) = z for ReLU, GELU and SiLU.
"""

import copy
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import EXPORT_KEY, EXPORTED_OPTIONS
from bbc_classifier.io import read_json, write_json
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification

# Families by what their head computes. A linear layer on the encoder's pooler.
LINEAR_HEADS = set("albert bert ernie gte megatron-bert mobilebert nomic_bert rembert roc_bert squeezebert".split())
# A dense layer and tanh, which are what the encoder's pooler is, and a linear layer.
POOLER_HEADS = set(
    "camembert data2vec-text jina_embeddings_v3 mpnet roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl "
    "xmod".split()
)
# A dense layer and an activation of the first token, and a linear layer: the names of both layers.
ACTIVATION_HEADS = {
    **dict.fromkeys(("convbert", "electra", "nystromformer", "roformer"), ("classifier.dense", "classifier.out_proj")),
    "distilbert": ("pre_classifier", "classifier"),
}
# The activation of a head where it is not the encoder's.
FIXED_ACTIVATIONS = {"distilbert": "relu", "electra": "gelu"}
INVERTIBLE_ACTIVATIONS = set("gelu gelu_fast gelu_new gelu_pytorch_tanh gelu_python relu silu swish".split())


def export_transformers(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, output_dir: Path
) -> None:
    """Write the classifier as the stock class of its encoder.

    A stock class does not cut long texts: the tokenizer does when called with `truncation=True`.

    Raises:
        UserError: No stock class computes the same logits. The message names what could be exported.
    """
    config = model.config
    _validate_exportable(config)
    head, settings = _stock_head(model)
    stock = AutoModelForSequenceClassification.from_config(
        stock_config(config, "transformers", **settings), dtype=torch.float32
    )
    names = stock.state_dict().keys()
    encoder = {f"{stock.base_model_prefix}.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    # A pooler that is part of the stock head is not part of the stock encoder.
    encoder = {name: tensor for name, tensor in encoder.items() if name in names or ".pooler." not in name}
    stock.load_state_dict(encoder | head, strict=True)
    stock.save_pretrained(output_dir)
    save_tokenizer(tokenizer, output_dir, config.max_input_tokens, "left" if config.truncation == "tail" else "right")


def stock_config(config: PooledEncoderConfig, export_format: str, **settings: Any) -> PreTrainedConfig:
    """Return the stock configuration of the encoder with the classifier's labels and the `settings` of a stock head.

    What a stock configuration has no field for is under the key "bbc_classifier", which other programs ignore.
    """
    stock = copy.deepcopy(config.encoder_config)
    stock.id2label, stock.label2id = dict(config.id2label), {name: index for index, name in config.id2label.items()}
    stock.problem_type = config.problem_type
    for name in ("classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout"):
        if hasattr(stock, name):
            setattr(stock, name, config.classifier_dropout)
    for name, value in settings.items():
        setattr(stock, name, value)
    stock_class = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING.get(type(stock), None)
    stock.architectures = [stock_class.__name__] if stock_class else None
    stock.dtype = "float32"
    options = {name: getattr(config, name) for name in EXPORTED_OPTIONS}
    setattr(stock, EXPORT_KEY, {"format": export_format, **options})
    return stock


def save_tokenizer(
    tokenizer: PreTrainedTokenizerBase, output_dir: Path, max_length: int | None, truncation_side: str = "right"
) -> None:
    """Write the tokenizer so that it neither cuts nor pads unless the caller asks for it.

    A caller's `truncation=True` cuts `truncation_side` off at `max_length` tokens; None sets no limit.
    """
    if tokenizer.is_fast:  # The last call's truncation and padding would be saved.
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(output_dir)
    # `save_pretrained` writes the values the tokenizer was loaded with, not attributes set later.
    path = output_dir / "tokenizer_config.json"
    settings = {
        "model_max_length": max_length or int(1e30),
        "truncation_side": truncation_side,
        "padding_side": "right",
    }
    write_json(path, read_json(path) | settings)


def exportable_pooling(encoder: PreTrainedConfig) -> str | None:
    """Return the pooling with which a stock class computes a classifier with this encoder; None if there is none."""
    family = encoder.model_type
    if family in LINEAR_HEADS | POOLER_HEADS:
        return "pooler"
    if family in ACTIVATION_HEADS:
        activation = FIXED_ACTIVATIONS.get(family) or encoder.hidden_act
        return "cls" if activation in INVERTIBLE_ACTIVATIONS else None
    return "cls" if family in ("deberta", "deberta-v2") else None


def _stock_head(model: PooledEncoderForSequenceClassification) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors of the stock head that computes the classifier's logits, and the stock config's settings."""
    linear = model.classifier.state_dict()
    family, width = model.config.encoder_config.model_type, model.config.hidden_size
    if family in LINEAR_HEADS:
        return _prefixed("classifier", linear), {}
    if family in POOLER_HEADS:
        pooler = _prefixed("classifier", model.encoder.pooler.state_dict())
        return pooler | _prefixed("classifier.out_proj", linear), {}
    if family in ACTIVATION_HEADS:
        return _activation_head(*ACTIVATION_HEADS[family], linear["weight"], linear["bias"]), {}
    # DeBERTa: its dense layer passes the first token through; a product with 1 and sums with 0 round nothing.
    identity = {"pooler.dense.weight": torch.eye(width), "pooler.dense.bias": torch.zeros(width)}
    return identity | _prefixed("classifier", linear), {"pooler_hidden_act": "linear"}


def _validate_exportable(config: PooledEncoderConfig) -> None:
    """Raise a UserError that names every option no stock class has, and what to use instead."""
    family, pooling = config.encoder_config.model_type, exportable_pooling(config.encoder_config)
    obstacles: dict[str, str | None] = {}
    if config.lexical_head:
        obstacles["no stock class has a lexical head"] = "--lexical_head false"
    if config.distinct_tokens:
        obstacles["no stock class leaves out repeated tokens"] = "--distinct_tokens false"
    if config.truncation == "head+tail":
        obstacles["no stock tokenizer cuts out the middle of a text"] = "--truncation head"
    if config.pooling != pooling:
        remedy = f"--pooling {pooling}" if pooling else None
        obstacles[f"the stock class of a {family} encoder does not compute --pooling {config.pooling}"] = remedy
    elif family in ACTIVATION_HEADS and 2 * config.num_labels > config.hidden_size:
        obstacles[f"the stock class of this {family} encoder has room for {config.hidden_size // 2} labels"] = None
    if obstacles:
        remedies = [remedy for remedy in obstacles.values() if remedy]
        train = f"train with {' '.join(remedies)}, or " if len(remedies) == len(obstacles) else ""
        raise UserError(
            f"--format transformers: {'; '.join(obstacles)}; {train}use --format onnx, which exports every classifier"
        )


def _activation_head(dense: str, output: str, weight: torch.Tensor, bias: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the layers `dense` and `output`: the first computes z and -z, the second f(z) - f(-z) = z.

    `weight` (labels, width) and `bias` (labels,) are those of the classifier's linear layer.
    """
    labels, width = weight.shape
    first, first_bias, second = torch.zeros(width, width), torch.zeros(width), torch.zeros(labels, width)
    first[: 2 * labels], first_bias[: 2 * labels] = torch.cat([weight, -weight]), torch.cat([bias, -bias])
    second[:, : 2 * labels] = torch.cat([torch.eye(labels), -torch.eye(labels)], dim=1)
    layers = {dense: (first, first_bias), output: (second, torch.zeros(labels))}
    return {
        f"{name}.{part}": value
        for name, pair in layers.items()
        for part, value in zip(("weight", "bias"), pair, strict=True)
    }


def _prefixed(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
