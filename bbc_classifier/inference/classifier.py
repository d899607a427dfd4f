"""The classifier as its users meet it: texts in, labels and calibrated confidences out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.data.token_memory import TokenMemory
from bbc_classifier.data.tokenizer_files import refuse_unknown_ids
from bbc_classifier.device import device_type
from bbc_classifier.errors import InputError
from bbc_classifier.inference.batching import predict_logits
from bbc_classifier.inference.checkpoint import open_checkpoint
from bbc_classifier.inference.decision import above_thresholds, most_probable, sigmoid, softmax
from bbc_classifier.model import PooledEncoderConfig

UNSURE = "unsure"
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Prediction:
    """One text's answer.

    Attributes:
        label: The most probable of `labels`, or "unsure" where there is none.
        labels: The labels given, most probable first. Single-label: the most probable label. Multi-label: every label
            that reaches its threshold, possibly none. Never one below the confidence asked for.
        confidence: Probability of `label`, in [0, 1]; of the most probable label where the answer is "unsure".
        probabilities: Label to probability, most probable first. They add up to 1 only for a single-label classifier.
        truncated: Whether the text was longer than the model reads.
    """

    label: str
    labels: list[str]
    confidence: float
    probabilities: dict[str, float]
    truncated: bool


class TextClassifier(ABC):
    """What every form of a classifier does; a form says how logits are computed.

    Attributes:
        config: What the classifier reads of a text, and which labels it gives.
        tokenizer: Its tokenizer.
        memory: Texts whose tokens are known; None, the default, tokenises every text.
    """

    def __init__(self, config: PooledEncoderConfig, tokenizer: PreTrainedTokenizerBase):
        self.config = config
        self.tokenizer = tokenizer
        self.memory: TokenMemory | None = None

    @abstractmethod
    def logits(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        """Return the logits, (rows, labels) float64, of token ids per row, special tokens included, without padding."""

    @property
    def label_names(self) -> list[str]:
        """The labels, in the order of the probability columns."""
        return self.config.label_names

    @property
    def multi_label(self) -> bool:
        """Whether a text can have any number of labels, not exactly one."""
        return self.config.is_multi_label

    @property
    def thresholds(self) -> list[float] | None:
        """The probability from which on each label is given; None for a single-label classifier, which has none."""
        if not self.multi_label:
            return None
        return self.config.label_thresholds or [DEFAULT_THRESHOLD] * len(self.label_names)

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, list[bool]]:
        """Return the probabilities, (texts, labels) float64, rows in the texts' order, and which texts were cut."""
        config = self.config
        encoded = encode_texts(
            self.tokenizer,
            texts,
            config.max_input_tokens,
            config.truncation,
            distinct=config.distinct_tokens,
            keep_whole=config.lexical_head,
            memory=self.memory,
        )
        refuse_unknown_ids(encoded.input_ids, config.encoder_config)
        logits = self.logits(encoded.input_ids)
        return (sigmoid if self.multi_label else softmax)(logits), encoded.truncated

    def predict(
        self, texts: Sequence[str], *, top_k: int | None = None, min_confidence: float = 0.0
    ) -> list[Prediction]:
        """Classify texts.

        Args:
            texts: Any number of texts of any length.
            top_k: How many labels `probabilities` holds; None means all.
            min_confidence: Labels below this confidence are not given; where none is left the answer is "unsure".

        Raises:
            InputError: `top_k` is below 1, or `min_confidence` is not in [0, 1].
        """
        if top_k is not None and top_k < 1:
            raise InputError(f"top_k must be at least 1, not {top_k}")
        if not 0 <= min_confidence <= 1:
            raise InputError(f"min_confidence must be between 0 and 1, not {min_confidence}")
        if isinstance(texts, str):
            raise InputError("texts must be a list of texts, not one text")
        rows, truncated = self.probabilities(texts)
        thresholds = self.thresholds
        given = most_probable(rows) if thresholds is None else above_thresholds(rows, thresholds)
        given &= rows >= min_confidence
        return [self._prediction(*row, top_k) for row in zip(rows, given, truncated, strict=True)]

    def _prediction(self, row: np.ndarray, given: np.ndarray, truncated: bool, top_k: int | None) -> Prediction:
        order = np.argsort(-row, kind="stable")
        names = self.label_names
        chosen = [index for index in order if given[index]]
        return Prediction(
            label=names[chosen[0]] if chosen else UNSURE,
            labels=[names[index] for index in chosen],
            confidence=float(row[chosen[0] if chosen else order[0]]),
            probabilities={names[index]: float(row[index]) for index in order[:top_k]},
            truncated=truncated,
        )


class NewsClassifier(TextClassifier):
    """A finished classifier with its tokenizer.

    >>> classifier = NewsClassifier.from_pretrained("runs/minilm-mean-seed42")  # doctest: +SKIP
    >>> classifier.predict(["Shares fell in early trading."])[0].label          # doctest: +SKIP
    'business'

    Attributes:
        model: The classifier, or the stock class that it was exported as.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, config: PooledEncoderConfig | None = None
    ):
        """Join model and tokenizer.

        Args:
            model: The classifier.
            tokenizer: Its tokenizer.
            config: What a stock class does not know of the classifier it was exported from; None takes the model's own.
        """
        super().__init__(model.config if config is None else config, tokenizer)
        self.model = model

    @classmethod
    def from_pretrained(
        cls, name_or_path: str, *, revision: str | None = None, device: str | None = None
    ) -> "NewsClassifier":
        """Open a run folder, a model folder or a Hub id.

        Args:
            name_or_path: Where the classifier is.
            revision: Branch, tag or commit of a Hub id.
            device: "cpu", "cuda", "mps", …; None takes the accelerator where there is one.

        Raises:
            InputError: Nothing is there, it is no classifier of ours, or there is no such device.
            WorldError: The Hub cannot be reached.
        """
        device = chosen_device(device)
        model, tokenizer = open_checkpoint(name_or_path, revision)
        return cls(model.to(device), tokenizer)

    def logits(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        """Return the logits, (rows, labels) float64, of token ids per row, special tokens included, without padding."""
        return predict_logits(self.model, input_ids, self.tokenizer.pad_token_id)


def chosen_device(name: str | None) -> str:
    """Return `name` if a tensor can be put there; the accelerator where there is one for None.

    Raises:
        InputError: It cannot.
    """
    if not name:
        return device_type()
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device: this machine has no device '{name}' that torch can use") from error
    return name
