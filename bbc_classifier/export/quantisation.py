"""An ONNX graph with 8-bit weights: a quarter of the size, and answers that differ a little.

What is rounded is the encoder: its matrix products and its tables. The head stays as it is: it is small, and the
answers hang on it directly. Of a product, the weights are rounded beforehand and the other factor while the graph runs
("dynamic quantisation", by onnxruntime); a table is only looked up in, so each of its rows has a scale of its own.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.export.onnx_graph import SCOPES
from bbc_classifier.export.onnx_runtime import load_extra

# The encoder's module in the graph's own names.
ENCODER = "'model.encoder'"
# A scale of its own for each column of a weight is what keeps the answers. 7 bits of the 8 cost little, and without
# them sums overflow on processors that have no instruction for such products.
SETTINGS = {"per_channel": True, "reduce_range": True}
LARGEST = 127


def quantise(source: Path, target: Path) -> None:
    """Write the graph of `source` with the encoder's weights in 8 bits; what is left at `source` is half-way there.

    Raises:
        InputError: A library is missing.
    """
    onnx = load_extra("onnx")
    quantization = load_extra("onnxruntime.quantization")
    model = onnx.load(source)
    products = [node.name for node in _encoders_weights(model.graph, "MatMul")]
    _round_tables(model.graph)
    onnx.save(model, source)
    root = logging.getLogger()
    level = root.level
    # It advises, on the root logger, to prepare the graph in a way that this one does not need.
    root.setLevel(logging.ERROR)
    try:
        quantization.quantize_dynamic(
            source,
            target,
            nodes_to_quantize=products,
            op_types_to_quantize=["MatMul"],
            weight_type=quantization.QuantType.QInt8,
            **SETTINGS,
        )
    finally:
        root.setLevel(level)


def _encoders_weights(graph: Any, operator: str) -> list[Any]:
    """Return the encoder's nodes that apply an operator to a matrix of weights."""
    weights = {weight.name for weight in graph.initializer if len(weight.dims) == 2}
    return [
        node
        for node in graph.node
        if node.op_type == operator and ENCODER in _scopes(node) and weights & set(node.input)
    ]


def _scopes(node: Any) -> str:
    return next((entry.value for entry in node.metadata_props if entry.key == SCOPES), "")


def _round_tables(graph: Any) -> None:
    """Replace each look-up in a table of float32 by one in a table of int8, times the scale of the row."""
    lookups = {node.name: node for node in _encoders_weights(graph, "Gather")}
    tables = {weight.name: weight for weight in graph.initializer}
    replaced = {node.input[0] for node in lookups.values()}
    nodes = [part for node in graph.node for part in (_rounded_lookup(node) if node.name in lookups else [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    for name in replaced:
        graph.initializer.extend(_rounded_table(tables[name]))
        # It may be a weight of something else too: some encoders read their table backwards.
        if not any(name in node.input for node in nodes):
            graph.initializer.remove(tables[name])


def _rounded_table(table: Any) -> list[Any]:
    """Return a table's rows in int8, (rows, width), and the scale of each, (rows, 1) float32."""
    numpy_helper = load_extra("onnx.numpy_helper")
    values = numpy_helper.to_array(table)
    # A row of zeros has any scale.
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), np.finfo(np.float32).tiny * LARGEST) / LARGEST
    return [
        numpy_helper.from_array(np.round(values / scales).astype(np.int8), f"{table.name}.int8"),
        numpy_helper.from_array(scales.astype(np.float32), f"{table.name}.scales"),
    ]


def _rounded_lookup(node: Any) -> list[Any]:
    onnx = load_extra("onnx")
    table, rows = node.input
    out, parts = node.output[0], [f"{node.output[0]}.{part}" for part in ("int8", "float", "scales")]
    make = onnx.helper.make_node
    return [
        make("Gather", [f"{table}.int8", rows], parts[:1]),
        make("Cast", parts[:1], parts[1:2], to=onnx.TensorProto.FLOAT),
        make("Gather", [f"{table}.scales", rows], parts[2:]),
        make("Mul", parts[1:], [out]),
    ]
