"""A classifier as a stock class of transformers, where one computes the same logits: no remote code to load it.

A stock class is an encoder with a head of its authors' choice; this package's is a pooling and a linear layer. Both are
the same function where the stock head is that linear layer, where it applies the encoder's own pooler, or where its
activation can be undone: f(z) - f(-z) = z for ReLU and GELU.
"""

import copy
from pathlib import Path

import torch
from torch.nn.functional import pad
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
LINEAR_HEADS = {"albert", "bert", "ernie", "gte", "megatron-bert", "nomic_bert"}
# A dense layer and tanh, which are what the encoder's pooler is, and a linear layer.
POOLER_HEADS = {"camembert", "data2vec-text", "jina_embeddings_v3", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl"}
# A dense layer and an activation of the first token, and a linear layer: the names of both layers.
ACTIVATION_HEADS = {
    "distilbert": ("pre_classifier", "classifier"),
    "electra": ("classifier.dense", "classifier.out_proj"),
}


def export_transformers(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, output_dir: Path
) -> None:
    """Write the classifier as the stock class of its encoder.

    A stock class does not cut long texts: the tokenizer does when called with `truncation=True`.

    Raises:
        UserError: No stock class computes the same logits. The message names what could be exported.
    """
    config, head = model.config, _stock_head(model)
    stock_settings = stock_config(config, "transformers")
    stock = AutoModelForSequenceClassification.from_config(stock_settings, dtype=torch.float32)
    names = stock.state_dict().keys()
    encoder = {f"{stock.base_model_prefix}.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    # A pooler that is part of the stock head is not part of the stock encoder.
    encoder = {name: tensor for name, tensor in encoder.items() if name in names or ".pooler." not in name}
    stock.load_state_dict(encoder | head, strict=True)
    stock.save_pretrained(output_dir)
    save_tokenizer(tokenizer, output_dir, config.max_input_tokens, "left" if config.truncation == "tail" else "right")


def stock_config(config: PooledEncoderConfig, export_format: str) -> PreTrainedConfig:
    """Return the stock configuration of the encoder with the classifier's labels.

    What a stock configuration has no field for is under the key "bbc_classifier", which other programs ignore.
    """
    stock = copy.deepcopy(config.encoder_config)
    stock.id2label, stock.label2id = dict(config.id2label), {name: index for index, name in config.id2label.items()}
    stock.problem_type = config.problem_type
    dropouts = ("classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout")
    stock.update({name: config.classifier_dropout for name in dropouts if hasattr(stock, name)})
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
    tokenizer.save_pretrained(output_dir)
    # `save_pretrained` writes the values the tokenizer was loaded with, not attributes set later.
    path = output_dir / "tokenizer_config.json"
    settings = {"model_max_length": max_length or int(1e30), "truncation_side": truncation_side}
    write_json(path, read_json(path) | settings | {"padding_side": "right"})


def _stock_head(model: PooledEncoderForSequenceClassification) -> dict[str, torch.Tensor]:
    """Return the tensors of the stock head that computes the classifier's logits.

    Raises a UserError that names the options to train with, unless a stock class computes the same logits.
    """
    config, linear = model.config, model.classifier.state_dict()
    family, width = config.encoder_config.model_type, config.hidden_size
    pooling = "pooler" if family in LINEAR_HEADS | POOLER_HEADS else "cls"
    if pooling == "cls" and family not in ACTIVATION_HEADS:
        raise UserError(f"--format transformers: no stock class with a {family} encoder fits; use --format onnx")
    if family in ACTIVATION_HEADS and 2 * config.num_labels > width:
        problem = f"the stock class of this {family} encoder has at most {width // 2} labels"
        raise UserError(f"--format transformers: {problem}; use --format onnx")
    needed = ["--truncation head"] if config.truncation == "head+tail" else []
    needed += [f"--max_length {config.window_length}"] if config.max_encoder_tokens != config.max_input_tokens else []
    needed += [f"--pooling {pooling}"] if config.pooling != pooling else []
    if needed:
        remedy = f"train with {' '.join(needed)}, or use --format onnx, which exports every classifier"
        raise UserError(f"--format transformers: no stock class computes the same logits; {remedy}")
    if family in LINEAR_HEADS:
        return _prefixed("classifier", linear)
    if family in POOLER_HEADS:
        pooler = _prefixed("classifier", model.encoder.pooler.state_dict())
        return pooler | _prefixed("classifier.out_proj", linear)
    return _activation_head(*ACTIVATION_HEADS[family], linear["weight"], linear["bias"])


def _activation_head(dense: str, output: str, weight: torch.Tensor, bias: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the layers `dense` and `output`: the first computes z and -z, the second f(z) - f(-z) = z.

    `weight` (labels, width) and `bias` (labels,) are those of the classifier's linear layer.
    """
    labels, width = weight.shape
    unused, identity = width - 2 * labels, torch.eye(labels)
    return {
        f"{dense}.weight": pad(torch.cat([weight, -weight]), (0, 0, 0, unused)),
        f"{dense}.bias": pad(torch.cat([bias, -bias]), (0, unused)),
        f"{output}.weight": pad(torch.cat([identity, -identity], dim=1), (0, unused)),
        f"{output}.bias": torch.zeros(labels),
    }


def _prefixed(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
