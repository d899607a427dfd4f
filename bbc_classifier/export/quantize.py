"""An ONNX graph whose encoder has 8-bit weights: a quarter of the size, and slightly different probabilities.

Matrix products are quantized dynamically by onnxruntime: weights beforehand with a scale per column, activations while
the graph runs. Embedding tables are only looked up in, so each row has a scale of its own. The head stays in float32.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize(path: Path) -> None:
    """Replace the graph in a file by one with 8-bit weights."""
    model = onnx.load(path)
    _quantize_tables(model.graph)
    # The quantizer logs a recommendation of a preprocessing that these graphs do not need.
    with quiet_logging():
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


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Log errors only."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


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
