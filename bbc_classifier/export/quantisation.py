"""An ONNX graph with 8-bit weights: a quarter of the size, and answers that differ a little.

Weights are rounded beforehand, activations while the graph runs ("dynamic quantisation"). What is rounded is the
encoder: its matrix products and its tables. The head stays as it is: it is small, and the answers hang on it directly.
"""

import logging
from pathlib import Path
from typing import Any

from bbc_classifier.export.onnx_graph import SCOPES
from bbc_classifier.export.onnx_runtime import load_extra

# The encoder's module in the graph's own names.
ENCODER = "'model.encoder'"
# A scale of its own for each column of a weight is what keeps the answers. 7 bits of the 8 cost little, and without
# them sums overflow on processors that have no instruction for such products.
SETTINGS = {"per_channel": True, "reduce_range": True}
QUANTISED = ("MatMul", "Gather")


def quantise(source: Path, target: Path) -> None:
    """Write the graph of `source` with the encoder's weights in 8 bits.

    Raises:
        InputError: A library is missing.
    """
    quantization = load_extra("onnxruntime.quantization")
    root = logging.getLogger()
    level = root.level
    # It advises, on the root logger, to prepare the graph in a way that this one does not need.
    root.setLevel(logging.ERROR)
    try:
        quantization.quantize_dynamic(
            source,
            target,
            nodes_to_quantize=_encoders_weights(source),
            op_types_to_quantize=list(QUANTISED),
            weight_type=quantization.QuantType.QInt8,
            **SETTINGS,
        )
    finally:
        root.setLevel(level)


def _encoders_weights(path: Path) -> list[str]:
    """Return the names of the encoder's nodes that multiply by a weight or look rows up in one."""
    graph = load_extra("onnx").load(path).graph
    weights = {weight.name for weight in graph.initializer if len(weight.dims) > 1}
    return [
        node.name
        for node in graph.node
        if node.op_type in QUANTISED and ENCODER in _scopes(node) and weights & set(node.input)
    ]


def _scopes(node: Any) -> str:
    return next((entry.value for entry in node.metadata_props if entry.key == SCOPES), "")
