"""A classifier that was exported to ONNX: the same answers without torch's kernels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase
from transformers.utils import cached_file

from bbc_classifier.errors import InputError
from bbc_classifier.export.exported_config import original_config
from bbc_classifier.export.layout import GRAPH_FILES
from bbc_classifier.export.onnx_runtime import OnnxGraph
from bbc_classifier.inference.batching import logits_by_batch
from bbc_classifier.inference.checkpoint import load_tokenizer, model_location, readable
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.inference.described_checkpoint import EXPORT, as_described
from bbc_classifier.model import PooledEncoderConfig


class OnnxClassifier(TextClassifier):
    """A graph with the tokenizer beside it."""

    def __init__(
        self, graph: OnnxGraph, tokenizer: PreTrainedTokenizerBase, config: PooledEncoderConfig, *, one_by_one: bool
    ):
        """Join graph and tokenizer.

        Args:
            graph: The classifier's whole forward.
            tokenizer: Its tokenizer.
            config: That of the classifier it was exported from.
            one_by_one: Whether each text is a batch of its own. In 8 bits a batch is scaled by its largest value, so
                that its texts would change each other's answers.
        """
        super().__init__(config, tokenizer)
        self._graph = graph
        self._tokens_per_batch = {"tokens_per_batch": 1} if one_by_one else {}

    @classmethod
    def from_values(cls, name_or_path: str, revision: str | None, values: Mapping[str, Any], form: str):
        """Open an exported folder or Hub id whose config.json says `values`.

        Raises:
            InputError: A file is missing or damaged, or onnxruntime is not installed.
            WorldError: The Hub cannot be reached.
        """
        what, location = f"--model: '{name_or_path}'", model_location(name_or_path)
        if form not in GRAPH_FILES:
            raise InputError(f"{what} is of the unknown format '{form}'; export it again")
        weights = GRAPH_FILES[form]
        with readable(name_or_path), as_described(what, location, revision, record_name=EXPORT, weights_name=weights):
            graph = OnnxGraph(Path(cached_file(location, weights, revision=revision)))
            tokenizer = load_tokenizer(name_or_path, revision)
            return cls(graph, tokenizer, original_config(values), one_by_one=form == "onnx-int8")

    def logits(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        """Return the logits, (rows, labels) float64, of token ids per row, special tokens included, without padding."""
        pad = self.tokenizer.pad_token_id
        return logits_by_batch(self._forward, self.config.num_labels, input_ids, pad, **self._tokens_per_batch)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
        return self._graph.logits(ids.numpy(), mask.numpy())
