"""Which stock class computes what a classifier of ours does, and the tensors of its head.

A stock class is an encoder and a head that its authors chose. Ours is a pooling and a linear layer. The two are the
same function for some pairs of encoder and pooling: where the head is that very layer, where it applies the encoder's
own pooler, or where its activation can be undone, since f(z) - f(-z) = z for ReLU, GELU and SiLU.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from bbc_classifier.errors import InputError
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification

Tensors = dict[str, torch.Tensor]

# Their heads are dropout and a linear layer on the encoder's own pooler.
HEAD_ON_POOLER = frozenset(
    {
        *("albert", "bert", "ernie", "gte", "megatron-bert", "mobilebert", "nomic_bert", "rembert", "roc_bert"),
        "squeezebert",
    }
)
# Their heads hold a dense layer and tanh of their own: what their encoders' pooler is.
HEAD_WITH_POOLER = frozenset(
    {
        *("camembert", "data2vec-text", "jina_embeddings_v3", "mpnet", "roberta", "roberta-prelayernorm"),
        *("xlm-roberta", "xlm-roberta-xl", "xmod"),
    }
)
# Their heads take the first token through a dense layer and the encoder's own activation.
HEAD_WITH_ACTIVATION = frozenset({"convbert", "electra", "nystromformer", "roformer"})
# Activations with f(z) - f(-z) = z; of the others a negative half cannot be had back.
UNDOABLE = frozenset({"gelu", "gelu_fast", "gelu_new", "gelu_pytorch_tanh", "gelu_python", "relu", "silu", "swish"})


@dataclass(frozen=True)
class StockHead:
    """How a stock class is made to give our logits.

    Attributes:
        tensors: From our classifier to the tensors of the head, by their names in the stock class.
        settings: What the stock configuration must say.
        outputs_per_label: How many of the head's hidden units each label takes: z, or z and -z, which a product of
            another shape may round otherwise.
    """

    tensors: Callable[[PooledEncoderForSequenceClassification], Tensors]
    settings: Mapping[str, Any] = field(default_factory=dict)
    outputs_per_label: int = 1

    @property
    def exact(self) -> bool:
        """Whether the logits are the same bits; otherwise they agree to the rounding of float32."""
        return self.outputs_per_label == 1


def stock_head(model: PooledEncoderForSequenceClassification) -> StockHead:
    """Return how the stock class of the encoder's family computes what the classifier does.

    Raises:
        InputError: It does not; the message says everything that is in the way, and what could be exported.
    """
    config = model.config
    family, pooling = config.encoder_config.model_type, config.pooling
    head = _head(family, pooling, config.encoder_config)
    obstacles = _unknown_to_stock_classes(config)
    if head is None:
        obstacles[f"no stock class of a {family} encoder {_lacks(family, pooling)}"] = _exportable_pooling(family)
    elif head.outputs_per_label * config.num_labels > config.hidden_size:
        obstacles[
            f"the stock head of a {family} encoder has {config.hidden_size} hidden units, two for each of "
            f"{config.hidden_size // 2} labels, not {config.num_labels}"
        ] = None
    if head is None or obstacles:
        raise _refused(obstacles)
    return head


def _unknown_to_stock_classes(config: PooledEncoderConfig) -> dict[str, str | None]:
    """Return what no stock class reads of a text as the classifier does, and the options that it could be without."""
    obstacles: dict[str, str | None] = {}
    if config.lexical_head:
        obstacles["no stock class counts the tokens of the whole text"] = "--lexical_head false"
    if config.distinct_tokens:
        obstacles["every stock class reads a token as often as it stands in the text"] = "--distinct_tokens false"
    if config.truncation == "head+tail":
        obstacles["no stock tokenizer cuts the middle out of a text"] = "--truncation head"
    return obstacles


def _head(family: str, pooling: str, encoder: Any) -> StockHead | None:
    if pooling == "pooler" and family in HEAD_ON_POOLER:
        return StockHead(_linear)
    if pooling == "pooler" and family in HEAD_WITH_POOLER:
        return StockHead(_pooler_and_linear)
    if pooling == "cls" and family == "mobilebert":
        return StockHead(_linear, {"classifier_activation": False})
    if pooling in ("cls", "mean") and family == "ultrabert":
        return StockHead(_linear, {"classifier_pooling": pooling})
    if pooling == "cls" and family in ("deberta", "deberta-v2"):
        return StockHead(_unchanged_and_linear, {"pooler_hidden_act": "linear"})
    if pooling == "cls" and family == "distilbert":
        return StockHead(_both_signs("pre_classifier", "classifier"), outputs_per_label=2)
    if pooling == "cls" and family in HEAD_WITH_ACTIVATION and _activation(family, encoder) in UNDOABLE:
        return StockHead(_both_signs("classifier.dense", "classifier.out_proj"), outputs_per_label=2)
    if pooling in ("cls", "mean") and family == "eurobert":
        place = {"cls": "bos", "mean": "mean"}[pooling]
        return StockHead(_both_signs("dense", "classifier"), {"classifier_pooling": place}, outputs_per_label=2)
    return None


def _linear(model: PooledEncoderForSequenceClassification) -> Tensors:
    return {f"classifier.{name}": tensor for name, tensor in model.classifier.state_dict().items()}


def _pooler_and_linear(model: PooledEncoderForSequenceClassification) -> Tensors:
    pooler = {f"classifier.{name}": tensor for name, tensor in model.encoder.pooler.state_dict().items()}
    return pooler | {f"classifier.out_proj.{name}": tensor for name, tensor in model.classifier.state_dict().items()}


def _unchanged_and_linear(model: PooledEncoderForSequenceClassification) -> Tensors:
    """Let the dense layer pass its input through: a product with 1 and sums with 0 round nothing."""
    width = model.config.hidden_size
    return {"pooler.dense.weight": torch.eye(width), "pooler.dense.bias": torch.zeros(width), **_linear(model)}


def _both_signs(dense: str, output: str) -> Callable[[PooledEncoderForSequenceClassification], Tensors]:
    """Return the writer of a head that computes z and -z with its first layer, and f(z) - f(-z) = z with its second."""

    def tensors(model: PooledEncoderForSequenceClassification) -> Tensors:
        weight, bias = model.classifier.weight.detach(), model.classifier.bias.detach()
        labels, width = weight.shape
        first, first_bias = torch.zeros(width, width), torch.zeros(width)
        first[:labels], first[labels : 2 * labels] = weight, -weight
        first_bias[:labels], first_bias[labels : 2 * labels] = bias, -bias
        second = torch.zeros(labels, width)
        second[:, :labels], second[:, labels : 2 * labels] = torch.eye(labels), -torch.eye(labels)
        return {
            f"{dense}.weight": first,
            f"{dense}.bias": first_bias,
            f"{output}.weight": second,
            f"{output}.bias": torch.zeros(labels),
        }

    return tensors


def _activation(family: str, encoder: Any) -> str:
    # ELECTRA's head has its own, whatever its encoder has.
    return "gelu" if family == "electra" else str(encoder.hidden_act)


def _lacks(family: str, pooling: str) -> str:
    if family == "modernbert":
        return "has a linear head: its own ends in a normalisation, which nothing undoes"
    if pooling == "cls" and family in HEAD_ON_POOLER | HEAD_WITH_POOLER:
        return "takes the first token without a tanh, which no layer undoes exactly"
    what = {
        "cls": "takes the first token into a linear layer",
        "mean": "averages tokens",
        "max": "takes maxima over tokens",
        "attention": "weighs tokens by learned attention",
        "cls+mean": "joins the first token and the average",
        "pooler": "applies its pooler before a linear layer",
    }
    return f"{what[pooling]} as this classifier does"


def _exportable_pooling(family: str) -> str | None:
    if family in HEAD_ON_POOLER | HEAD_WITH_POOLER:
        return "--pooling pooler"
    if family in HEAD_WITH_ACTIVATION | {"deberta", "deberta-v2", "distilbert", "eurobert"}:
        return "--pooling cls"
    return None


def _refused(obstacles: Mapping[str, str | None]) -> InputError:
    options = " ".join(filter(None, obstacles.values()))
    trained = f"train with {options}, or " if all(obstacles.values()) else ""
    return InputError(
        f"--format transformers: {'; '.join(obstacles)}; {trained}export with --format onnx, which takes any classifier"
    )
