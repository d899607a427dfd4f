"""Configuration of an encoder, a pooling and a linear head."""

import copy
import math

from transformers import AutoConfig, PreTrainedConfig

from .loss import PROBLEM_TYPES
from .pooling import POOLINGS
from .truncation import TRUNCATIONS

# Encoders whose classes build no pooler; the model checks every other class when it builds it.
POOLERLESS_MODEL_TYPES = frozenset(
    {
        "convbert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "eurobert",
        "funnel",
        "modernbert",
        "mra",
        "nystromformer",
        "roformer",
        "yoso",
    }
)
# Encoders whose position numbers start after the padding id, so that many positions of the table are never used.
OFFSET_POSITION_MODEL_TYPES = frozenset(
    {
        "camembert",
        "data2vec-text",
        "esm",
        "ibert",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)


class PooledEncoderError(ValueError):
    """A configuration, encoder or checkpoint that this model cannot be built from; the message says what is legal."""

    exit_code = 2


class PooledEncoderConfig(PreTrainedConfig):
    """Configuration of `PooledEncoderForSequenceClassification`.

    Args:
        encoder_config: The encoder's own configuration, or its dict with `model_type`; None means a BERT of the
            library's default size. It is copied, never shared.
        pooling: One of `POOLINGS`.
        classifier_dropout: Dropout probability before the linear head.
        max_input_tokens: Longest input the encoder reads, special tokens included; `forward` cuts longer input to it.
            None means as many as the encoder has positions for.
        truncation: Which end of longer input is kept: "head", "tail" or "head+tail".
        distinct_tokens: Read each token of the input once, where it first stands, before anything is cut.
        lexical_head: Add the scores of a linear classifier on which tokens the whole text has (`LexicalHead`). Not for
            multi-label classifiers.
        class_weights: One weight per label for the training loss, or None.
        label_smoothing: Label smoothing of the training loss, in [0, 1).
        label_thresholds: The probability in (0, 1) from which on each label is given, one per label; None means 0.5 for
            all. Multi-label classifiers only: a single-label one gives its most probable label.
        kwargs: Whatever `PreTrainedConfig` takes, `id2label` and `problem_type` among it.

    Raises:
        PooledEncoderError: A value is not legal, or the encoder cannot have the pooling.
    """

    model_type = "pooled_encoder"
    sub_configs = {"encoder_config": AutoConfig}

    def __init__(
        self,
        encoder_config=None,
        pooling="mean",
        classifier_dropout=0.1,
        max_input_tokens=None,
        truncation="head",
        distinct_tokens=False,
        lexical_head=False,
        class_weights=None,
        label_smoothing=0.0,
        label_thresholds=None,
        **kwargs,
    ):
        self.encoder_config = _own_copy(encoder_config)
        self.pooling = pooling
        self.classifier_dropout = classifier_dropout
        self.max_input_tokens = usable_positions(self.encoder_config) if max_input_tokens is None else max_input_tokens
        self.truncation = truncation
        self.distinct_tokens = distinct_tokens
        self.lexical_head = lexical_head
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.label_thresholds = label_thresholds
        if kwargs.get("id2label") and not kwargs.get("label2id"):
            kwargs["label2id"] = {name: int(index) for index, name in kwargs["id2label"].items()}
        try:
            super().__init__(**kwargs)
        except ValueError as error:
            raise PooledEncoderError(str(error)) from error
        self.check()

    @classmethod
    def from_dict(cls, config_dict, **kwargs):
        """Build from the dict of a finished classifier.

        Raises:
            PooledEncoderError: It is another model's, whose weights would not be found: the encoder would stay random.
        """
        model_type = config_dict.get("model_type", cls.model_type)
        if model_type != cls.model_type:
            raise PooledEncoderError(
                f"this is a {model_type} model, not a finished {cls.model_type} classifier; start one from it with "
                "PooledEncoderForSequenceClassification.from_encoder"
            )
        return super().from_dict(config_dict, **kwargs)

    @property
    def hidden_size(self) -> int:
        """Width of the encoder's vectors."""
        return self.encoder_config.hidden_size

    def get_text_config(self, decoder=None, encoder=None):
        """Return the encoder's configuration, where the library looks for the vocabulary."""
        return self.encoder_config

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        return [name for _, name in sorted(self.id2label.items())]

    @property
    def is_multi_label(self) -> bool:
        """Whether a text can have any number of the labels, not exactly one."""
        return self.problem_type == "multi_label_classification"

    def has_named_labels(self) -> bool:
        """Whether the labels have real names, not the library's LABEL_0 and so on."""
        return not any(name == f"LABEL_{index}" for index, name in self.id2label.items())

    def check(self) -> None:
        """Check every value against what is legal; the model checks again, since attributes can be set later.

        Raises:
            PooledEncoderError: A value is not legal.
        """
        encoder_type = self.encoder_config.model_type
        _check_choice("pooling", self.pooling, legal_poolings(encoder_type), f" for a {encoder_type} encoder")
        _check_choice("truncation", self.truncation, TRUNCATIONS)
        for name in ("distinct_tokens", "lexical_head"):
            if not isinstance(getattr(self, name), bool):
                raise PooledEncoderError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.lexical_head and self.problem_type == "multi_label_classification":
            raise PooledEncoderError("a lexical_head is for one label per text, not for any number of them")
        if self.lexical_head and not hasattr(self.encoder_config, "vocab_size"):
            raise PooledEncoderError(f"a lexical_head counts tokens, and a {encoder_type} encoder has no vocabulary")
        if self.problem_type is not None:
            _check_choice("problem_type", self.problem_type, PROBLEM_TYPES)
        check_number("classifier_dropout", self.classifier_dropout)
        check_number("label_smoothing", self.label_smoothing)
        self._check_labels()
        self._check_class_weights()
        self._check_label_thresholds()
        self._check_max_input_tokens()

    def _check_labels(self) -> None:
        if sorted(self.id2label) != list(range(len(self.id2label))) or not self.id2label:
            raise PooledEncoderError(f"id2label must number its labels 0, 1, 2, …; not {list(self.id2label)}")
        if not all(isinstance(name, str) for name in self.id2label.values()):
            raise PooledEncoderError(f"the names of labels are text, not {list(self.id2label.values())}")
        if len(set(self.id2label.values())) != len(self.id2label):
            raise PooledEncoderError(f"two labels have one name: {', '.join(map(str, self.label_names))}")
        if self.num_labels == 1 and self.problem_type == "single_label_classification":
            raise PooledEncoderError("one label leaves nothing to choose: give two, or the problem_type 'regression'")

    def _check_class_weights(self) -> None:
        if self.class_weights is None:
            return
        if len(self.class_weights) != self.num_labels:
            raise PooledEncoderError(f"class_weights has {len(self.class_weights)} values for {self.num_labels} labels")
        if not all(_is_number(weight) and 0 < weight < math.inf for weight in self.class_weights):
            raise PooledEncoderError(f"class_weights must be positive numbers, not {self.class_weights}")

    def _check_label_thresholds(self) -> None:
        if self.label_thresholds is None:
            return
        if not self.is_multi_label:
            raise PooledEncoderError("label_thresholds need the problem_type 'multi_label_classification'")
        if len(self.label_thresholds) != self.num_labels:
            raise PooledEncoderError(
                f"label_thresholds has {len(self.label_thresholds)} values for {self.num_labels} labels"
            )
        if not all(_is_number(threshold) and 0 < threshold < 1 for threshold in self.label_thresholds):
            raise PooledEncoderError(f"label_thresholds must be above 0 and below 1, not {self.label_thresholds}")

    def _check_max_input_tokens(self) -> None:
        if self.max_input_tokens is None:
            return
        most = usable_positions(self.encoder_config)
        if not isinstance(self.max_input_tokens, int) or self.max_input_tokens < 3:
            raise PooledEncoderError(f"max_input_tokens must be a whole number above 2, not {self.max_input_tokens!r}")
        if most is not None and self.max_input_tokens > most:
            raise PooledEncoderError(
                f"max_input_tokens is {self.max_input_tokens}, but this {self.encoder_config.model_type} encoder has "
                f"positions for {most} tokens"
            )


def legal_poolings(encoder_model_type: str) -> list[str]:
    """Return the names of the poolings that an encoder of this type can have."""
    return [
        name
        for name, pooling in POOLINGS.items()
        if not (pooling.needs_encoder_pooler and encoder_model_type in POOLERLESS_MODEL_TYPES)
    ]


def usable_positions(encoder_config) -> int | None:
    """Return how many tokens the encoder has positions for, or None where it has no fixed number."""
    try:
        positions = getattr(encoder_config, "max_position_embeddings", None)
    except NotImplementedError:  # how XLNet says that it has no limit
        return None
    if not isinstance(positions, int) or positions <= 0:
        return None
    if encoder_config.model_type == "mpnet":  # its padding id is fixed in its code, whatever the configuration says
        return positions - 2
    if encoder_config.model_type in OFFSET_POSITION_MODEL_TYPES:
        return positions - (encoder_config.pad_token_id or 0) - 1
    return positions


def _own_copy(encoder_config):
    """Return a copy that shares nothing with the caller's and carries no path of the machine it was loaded on."""
    if encoder_config is None:
        encoder_config = {"model_type": "bert"}
    if isinstance(encoder_config, dict):
        values = copy.deepcopy(encoder_config)
        model_type = values.pop("model_type", "bert")
        try:
            encoder_config = AutoConfig.for_model(model_type, **values)
        except ValueError as error:
            raise PooledEncoderError(f"encoder_config: {error}") from error
    else:
        encoder_config = copy.deepcopy(encoder_config)
    encoder_config._name_or_path = ""
    return encoder_config


def _check_choice(name: str, value, legal, where: str = "") -> None:
    if value not in legal:
        raise PooledEncoderError(f"{name} '{value}' is not one of {', '.join(legal)}{where}")


def check_number(name: str, value) -> None:
    """Check that a probability or share is in [0, 1).

    Raises:
        PooledEncoderError: It is not.
    """
    if not _is_number(value) or not 0 <= value < 1:
        raise PooledEncoderError(f"{name} must be a number from 0 up to, not including, 1; not {value!r}")


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


PooledEncoderConfig.register_for_auto_class()
