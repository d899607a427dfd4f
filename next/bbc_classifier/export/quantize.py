"""An ONNX graph whose encoder has 8-bit weights: a quarter of the size, and slightly different probabilities.

Matrix products are quantized dynamically by onnxruntime: weights beforehand with a scale per column, activations while
the graph runs. Embedding tables are only looked up in, so each row has a scale of its own. The head stays in float32.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

# The names the exporter gives to the encoder's tensors.
ENCODER_PREFIX = "model.encoder."


def quantize(source: Path, target: Path) -> None:
    """Write the graph of `source` with 8-bit weights to `target`; `source` is changed on the way."""
    model = onnx.load(source)
    _quantize_tables(model.graph)
    onnx.save(model, source)
    # quantize_dynamic recommends on the root logger a preprocessing that these graphs do not need.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            # The heads and the pooler are applied to one row per text: Gemm, which stays in float32.
            nodes_to_quantize=[node.name for node in model.graph.node if node.op_type == "MatMul"],
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            # 7 bits: without them sums overflow on processors that have no instruction for 8-bit products.
            reduce_range=True,
        )
    finally:
        root.setLevel(level)


def _quantize_tables(graph: Any) -> None:
    """Replace each look-up in a float32 table of the encoder by one in an int8 table, times the scale of the row."""
    tables = {table.name: table for table in graph.initializer if table.name.startswith(ENCODER_PREFIX)}
    nodes, replaced = [], set()
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes += _lookup(node)
            replaced.add(node.input[0])
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    for name in replaced:
        graph.initializer.extend(_quantized_table(tables[name]))
        if not any(name in node.input for node in nodes):
            graph.initializer.remove(tables[name])


def _quantized_table(table: Any) -> list[Any]:
    """Return a table's rows as int8, (rows, width), and the scale of each, (rows, 1) float32."""
    values = numpy_helper.to_array(table)
    largest = np.abs(values).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest, 1).astype(np.float32) / 127
    return [
        numpy_helper.from_array(np.round(values / scales).astype(np.int8), f"{table.name}.int8"),
        numpy_helper.from_array(scales, f"{table.name}.scales"),
    ]


def _lookup(node: Any) -> list[Any]:
    table, rows = node.input
    output = node.output[0]
    make = onnx.helper.make_node
    return [
        make("Gather", [f"{table}.int8", rows], [f"{output}.int8"]),
        make("Cast", [f"{output}.int8"], [f"{output}.float"], to=onnx.TensorProto.FLOAT),
        make("Gather", [f"{table}.scales", rows], [f"{output}.scales"]),
        make("Mul", [f"{output}.float", f"{output}.scales"], [output]),
    ]
