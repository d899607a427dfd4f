"""A classifier as one ONNX graph: alignment, truncation, encoder, pooling, head and temperature.

Texts may have any length, batches any size, and padding may be on either side, as for the model itself. The layout of
the directory is the one npm's @huggingface/transformers reads.

In 8 bits, a quarter of the size, the graph is a model of OpenVINO: NNCF quantizes weights with a scale per column or
row and activations with fixed scales, smoothed (G. Xiao et al., "SmoothQuant", ICML 2023).
"""

import logging
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnxscript  # noqa: F401  (torch.onnx.export needs it)
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from transformers import PreTrainedTokenizerBase

from bbc_classifier.export.transformers_export import save_tokenizer, stock_config
from bbc_classifier.inference.classifier import EXPORT_FILES, tokenize
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
    calibration_texts: Sequence[str] | None = None,
) -> None:
    """Write the graph of a float32 classifier, its configuration and its tokenizer to an existing directory.

    With `calibration_texts` the graph is an OpenVINO model in 8 bits. The tokenizer is written without a maximum
    length: the graph cuts, and may need the whole text.
    """
    graph = output_dir / EXPORT_FILES["onnx"]
    stock_config(model.config, "onnx" if calibration_texts is None else "openvino-int8").save_pretrained(output_dir)
    save_tokenizer(tokenizer, output_dir, None)
    graph.parent.mkdir()
    # The exporter and the quantizer log notes that concern none of these graphs.
    logging.disable(logging.WARNING)
    try:
        write_graph(model, graph)
        if calibration_texts is not None:
            weights = output_dir / EXPORT_FILES["openvino-int8"]
            quantize(graph, tokenize(tokenizer, calibration_texts, model.config)[0], weights.with_suffix(".xml"))
            shutil.rmtree(graph.parent)
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


def quantize(graph: Path, input_ids: Sequence[list[int]], output: Path) -> None:
    """Write an OpenVINO model of a graph in 8 bits; its scales are fitted to the token ids of each of some texts."""
    import nncf
    import openvino

    def as_inputs(ids: list[int]) -> dict[str, np.ndarray]:
        return {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)}

    with redirect_stdout(sys.stderr):  # progress bars
        quantized = nncf.quantize(
            openvino.Core().read_model(graph),
            nncf.Dataset(input_ids, as_inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(input_ids),
        )
    openvino.save_model(quantized, output)
