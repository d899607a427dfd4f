"""A classifier as one ONNX graph: alignment, truncation, encoder, pooling, head and temperature.

Texts may have any length, batches any size, and padding may be on either side, as for the model itself. The layout of
the directory is the one npm's @huggingface/transformers reads (its dtypes "fp32" and "q8").

In the 8-bit graph, a quarter of the size, matrix products of the encoder are quantized dynamically by onnxruntime:
weights beforehand with a scale per column, activations while the graph runs. Embedding tables are only looked up in, so
each row has a scale of its own. The head stays in float32.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxscript  # noqa: F401  (torch.onnx.export needs it)
import torch
from onnx import numpy_helper
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import PreTrainedTokenizerBase

from bbc_classifier.export.transformers_export import save_tokenizer, stock_config
from bbc_classifier.inference.classifier import EXPORT_FILES
from bbc_classifier.model import PooledEncoderForSequenceClassification

INPUTS = ("input_ids", "attention_mask")
# The first version with attention and GELU as one node each, which onnxruntime runs twice as fast as their parts.
OPSET = 23
# Its node of rotary embeddings (ModernBERT) fails in onnxruntime 1.32 for batches.
OPSET_ROTARY = 18


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
    # The exporter and the quantizer log notes that concern none of these graphs.
    logging.disable(logging.WARNING)
    try:
        write_graph(model, path)
        if export_format == "onnx-int8":
            quantize(path)
    finally:
        logging.disable(logging.NOTSET)


def write_graph(model: PooledEncoderForSequenceClassification, path: Path) -> None:
    """Write the graph `input_ids`, `attention_mask` (batch, tokens) int64 → `logits` (batch, labels) float32."""
    has_rotary = any("rope" in name for name in model.config.encoder_config.to_dict())
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            model.eval(),
            # Sizes of 1 would be exported as constants, and one tensor for both as one input.
            kwargs={name: torch.ones(2, 8, dtype=torch.long) for name in INPUTS},
            dynamo=True,
            opset_version=OPSET_ROTARY if has_rotary else OPSET,
            verbose=False,
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes={name: {0: "batch", 1: "tokens"} for name in INPUTS},
        )
        assert program is not None  # Only the exporter without dynamo returns None.
        # Among the exporter's notes are stack traces with the paths of this machine.
        ClearMetadataAndDocStringPass()(program.model)
        program.save(path, external_data=False)


def quantize(path: Path) -> None:
    """Replace the graph in a file by one with 8-bit weights."""
    model = onnx.load(path)
    _quantize_tables(model.graph)
    quantize_dynamic(
        model,
        path,
        # The heads and the pooler are applied to one row per text: Gemm, which stays in float32.
        nodes_to_quantize=[node.name for node in model.graph.node if node.op_type == "MatMul"],
        op_types_to_quantize=["MatMul"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        # 7 bits: without them sums overflow on processors that have no instruction for 8-bit products.
        reduce_range=True,
    )


def _quantize_tables(graph: Any) -> None:
    """Replace each look-up in a float32 table of the encoder by one in an int8 table, times the scale of the row."""
    tables = {table.name: table for table in graph.initializer if table.name.startswith("encoder.")}
    nodes, looked_up, make = [], set(), onnx.helper.make_node
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            (table, rows), (output,) = node.input, node.output
            nodes.append(make("Gather", [f"{table}.int8", rows], [f"{output}.int8"]))
            nodes.append(make("Cast", [f"{output}.int8"], [f"{output}.float"], to=onnx.TensorProto.FLOAT))
            nodes.append(make("Gather", [f"{table}.scales", rows], [f"{output}.scales"]))
            nodes.append(make("Mul", [f"{output}.float", f"{output}.scales"], [output]))
            looked_up.add(table)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    for name in looked_up:
        values = numpy_helper.to_array(tables[name])  # (rows, width)
        largest = np.abs(values).max(axis=1, keepdims=True)
        scales = np.where(largest > 0, largest, 1).astype(np.float32) / 127
        rows = np.round(values / scales).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(rows, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scales"))
        if not any(name in node.input for node in nodes):
            graph.initializer.remove(tables[name])
