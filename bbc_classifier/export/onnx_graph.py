"""The whole forward of a classifier as one ONNX graph: alignment, cutting, encoder, pooling, head, temperature.

A text may have any length, a batch any size, and the padding may stand on either side, as for the model itself.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bbc_classifier.export.onnx_runtime import load_extra
from bbc_classifier.model import PooledEncoderForSequenceClassification

# What the graph keeps of the exporter's notes: which module of the model each node is of.
SCOPES = "pkg.torch.onnx.name_scopes"
INPUTS = ("input_ids", "attention_mask")
# Any batch would do; sizes of 1 would be taken for constants.
TRACED_ROWS, TRACED_TOKENS = 2, 8


class _Logits(nn.Module):
    """The model with tensors in and a tensor out, as a graph has them."""

    def __init__(self, model: PooledEncoderForSequenceClassification):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits, (batch, labels)."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def write_onnx_graph(model: PooledEncoderForSequenceClassification, path: Path) -> None:
    """Write the graph `input_ids`, `attention_mask` (batch, tokens) int64 → `logits` (batch, labels) float32.

    Raises:
        InputError: The exporter is not installed.
    """
    load_extra("onnx")
    load_extra("onnxscript")
    ids = torch.ones(TRACED_ROWS, TRACED_TOKENS, dtype=torch.long)
    either = {0: "batch", 1: "tokens"}
    with _quiet_exporter():
        torch.onnx.export(
            _Logits(model).eval(),
            (ids, torch.ones_like(ids)),
            path,
            dynamo=True,
            verbose=False,
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes=dict.fromkeys(INPUTS, either),
            external_data=False,
            custom_translation_table={torch.ops.aten.sort.stable: _stable_sort()},
        )
    _forget_where_it_was_made(path)


def _forget_where_it_was_made(path: Path) -> None:
    """Take the exporter's notes out, but for `SCOPES`: among them are stack traces with this machine's paths."""
    onnx = load_extra("onnx")
    model = onnx.load(path)
    bodies = [model.graph, *model.functions]
    noted = [model, *bodies, *(node for body in bodies for node in body.node)]
    noted += [value for body in bodies for value in body.value_info]
    noted += [*model.graph.initializer, *model.graph.input, *model.graph.output]
    for holder in noted:
        kept = [(entry.key, entry.value) for entry in holder.metadata_props if entry.key == SCOPES]
        del holder.metadata_props[:]
        for key, value in kept:
            holder.metadata_props.add(key=key, value=value)
        holder.ClearField("doc_string")
    onnx.save(model, path)


def _stable_sort() -> Callable[..., Any]:
    """Return what the exporter lacks: a sort of integers that keeps equal ones in order.

    TopK does: "the element with the lower index will appear first" (https://onnx.ai/onnx/operators/onnx__TopK.html).
    """
    operators = load_extra("onnxscript").opset18
    int64 = 7

    def stable_sort(values: Any, stable: bool | None = None, dim: int = -1, descending: bool = False) -> Any:
        count = operators.Gather(operators.Shape(values), operators.Constant(value_ints=[dim]))
        whole = operators.Cast(values, to=int64)
        return operators.TopK(whole, count, axis=dim, largest=int(descending), sorted=1)

    return stable_sort


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hold back what the exporter says of packages that no model here uses."""
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
