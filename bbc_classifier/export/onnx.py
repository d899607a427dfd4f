"""A classifier as one ONNX graph: alignment, truncation, encoder, pooling, head and temperature.

Texts may have any length, batches any size, and padding may be on either side, as for the model itself. The layout of
the directory is the one npm's @huggingface/transformers reads (its dtypes "fp32" and "q8").
"""

import warnings
from pathlib import Path
from typing import Any

import onnxscript
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from transformers import PreTrainedTokenizerBase

from bbc_classifier.export.quantize import quantize, quiet_logging
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
    """Write the graph of a float32 classifier, its configuration and its tokenizer to an existing directory.

    `export_format` is "onnx", or "onnx-int8" for 8-bit weights of the encoder. The tokenizer is written without a
    maximum length: the graph cuts, and may need the whole text.
    """
    stock_config(model.config, export_format).save_pretrained(output_dir)
    save_tokenizer(tokenizer, output_dir, None)
    path = output_dir / EXPORT_FILES[export_format]
    path.parent.mkdir(parents=True)
    write_graph(model, path)
    if export_format == "onnx-int8":
        quantize(path)


def write_graph(model: PooledEncoderForSequenceClassification, path: Path) -> None:
    """Write the graph `input_ids`, `attention_mask` (batch, tokens) int64 → `logits` (batch, labels) float32."""
    # The exporter logs what it thinks of packages that no model here uses.
    with warnings.catch_warnings(action="ignore"), quiet_logging():
        program = torch.onnx.export(
            model.eval(),
            # Sizes of 1 would be exported as constants, and one tensor for both as one input.
            kwargs={name: torch.ones(2, 8, dtype=torch.long) for name in INPUTS},
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
