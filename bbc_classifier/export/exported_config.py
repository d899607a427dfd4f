"""The config.json of an exported classifier: the encoder's stock one, and under one key of our own what ours is.

Other programs pass over the key; by it `predict` and `evaluate` know an exported folder, and read a text as the
classifier does that it was exported from.
"""

import copy
from collections.abc import Mapping
from typing import Any

from transformers import AutoModelForSequenceClassification, PreTrainedConfig

from bbc_classifier.model import PooledEncoderConfig

KEY = "bbc_classifier"
# What a classifier of ours has beside its encoder and its labels.
OWN_VALUES = (
    "pooling",
    "classifier_dropout",
    "max_input_tokens",
    "truncation",
    "distinct_tokens",
    "lexical_head",
    "label_thresholds",
)
# What families call the dropout before their head.
DROPOUT_NAMES = ("classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout")


def exported_config(config: PooledEncoderConfig, form: str, settings: Mapping[str, Any] | None = None) -> Any:
    """Return the configuration of the stock class of the encoder's family, with the classifier's labels.

    Args:
        config: The classifier's.
        form: The format it is written in.
        settings: What else the stock configuration must say.
    """
    stock = copy.deepcopy(config.encoder_config)
    stock.id2label, stock.label2id = dict(config.id2label), {name: index for index, name in config.id2label.items()}
    stock.problem_type = config.problem_type
    for name in DROPOUT_NAMES:
        if hasattr(stock, name):
            setattr(stock, name, config.classifier_dropout)
    for name, value in (settings or {}).items():
        setattr(stock, name, value)
    known = stock_class(stock)
    stock.architectures = [known.__name__] if known else None
    stock.dtype = "float32"
    setattr(stock, KEY, {"format": form, **{name: getattr(config, name) for name in OWN_VALUES}})
    return stock


def stock_class(stock: PreTrainedConfig) -> type | None:
    """Return the library's class for classifying sequences with an encoder of this family, or None."""
    return AutoModelForSequenceClassification._model_mapping.get(type(stock), None)


def exported_format(values: Mapping[str, Any]) -> str | None:
    """Return the format of the folder that a config.json is of, or None where we exported no such thing."""
    own = values.get(KEY)
    return own.get("format") if isinstance(own, dict) else None


def original_config(values: Mapping[str, Any]) -> PooledEncoderConfig:
    """Return the configuration of the classifier that was exported, from its config.json.

    Raises:
        PooledEncoderError: A value is not legal.
    """
    own = {name: value for name, value in values[KEY].items() if name in OWN_VALUES}
    id2label = {int(index): name for index, name in values["id2label"].items()}
    encoder = {name: value for name, value in values.items() if name not in (KEY, "id2label", "label2id")}
    return PooledEncoderConfig(
        encoder_config=encoder, id2label=id2label, problem_type=values.get("problem_type"), **own
    )
