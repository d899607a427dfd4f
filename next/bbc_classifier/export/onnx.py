"""A classifier as one ONNX graph: alignment, truncation, encoder, pooling, head and temperature.

Texts may have any length, batches any size, and padding may be on either side, as for the model itself. The layout of
the directory is the one npm's @huggingface/transformers reads (its dtypes "fp32" and "q8").
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxscript
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch import nn
from transformers import PreTrainedTokenizerBase

from bbc_classifier.export.quantize import quantize
from bbc_classifier.export.transformers_export import save_tokenizer, stock_config
from bbc_classifier.inference.classifier import EXPORT_FILES
from bbc_classifier.model import PooledEncoderForSequenceClassification

INPUTS = ("input_ids", "attention_mask")
INT64 = 7  # onnx.TensorProto.INT64


def export_onnx(
    model: PooledEncoderForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    output_dir: Path,
    export_format: str,
) -> None:
    """Write the graph, the configuration and the tokenizer.

    The tokenizer is written without a maximum length: the graph cuts, and may need the whole text.

    Args:
        model: Classifier in float32.
        tokenizer: Its tokenizer.
        output_dir: Existing directory to write to.
        export_format: "onnx", or "onnx-int8" for 8-bit weights of the encoder.
    """
    stock_config(model.config, export_format).save_pretrained(output_dir)
    save_tokenizer(tokenizer, output_dir, None)
    path = output_dir / EXPORT_FILES[export_format]
    path.parent.mkdir(parents=True)
    if export_format == "onnx":
        write_graph(model, path)
        return
    with tempfile.TemporaryDirectory(dir=output_dir) as tmp:
        write_graph(model, Path(tmp) / "model.onnx")
        quantize(Path(tmp) / "model.onnx", path)


class _Logits(nn.Module):
    """The model with tensors as inputs and a tensor as output, as a graph has them."""

    def __init__(self, model: PooledEncoderForSequenceClassification):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits, (batch, labels)."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def write_graph(model: PooledEncoderForSequenceClassification, path: Path) -> None:
    """Write the graph `input_ids`, `attention_mask` (batch, tokens) int64 → `logits` (batch, labels) float32."""
    input_ids = torch.ones(2, 8, dtype=torch.long)  # The exporter takes sizes of 1 for constants.
    with _quiet_exporter():
        program = torch.onnx.export(
            _Logits(model).eval(),
            (input_ids, torch.ones_like(input_ids)),
            dynamo=True,
            verbose=False,
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes={name: {0: "batch", 1: "tokens"} for name in INPUTS},
            custom_translation_table={torch.ops.aten.sort.stable: _stable_sort},
        )
        assert program is not None  # Only the exporter without dynamo returns None.
        # Among the exporter's notes are stack traces with the paths of this machine.
        ClearMetadataAndDocStringPass()(program.model)
        program.save(path, external_data=False)


def _stable_sort(values: Any, stable: bool | None = None, dim: int = -1, descending: bool = False) -> Any:
    """Translate a stable sort of integers, which the exporter lacks, to TopK.

    Of equal values TopK puts the one with the lower index first (https://onnx.ai/onnx/operators/onnx__TopK.html).
    """
    opset18: Any = onnxscript.opset18
    count = opset18.Gather(opset18.Shape(values), opset18.Constant(value_ints=[dim]))
    return opset18.TopK(opset18.Cast(values, to=INT64), count, axis=dim, largest=int(descending), sorted=1)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide the exporter's messages about packages that no model here uses."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
