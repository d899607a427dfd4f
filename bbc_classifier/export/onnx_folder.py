"""A classifier as one ONNX graph with its tokenizer and labels, as npm's @huggingface/transformers reads it too."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.errors import InputError
from bbc_classifier.export.exported_config import exported_config
from bbc_classifier.export.exported_tokenizer import save_tokenizer
from bbc_classifier.export.layout import GRAPH_FILES
from bbc_classifier.export.onnx_graph import write_onnx_graph
from bbc_classifier.export.onnx_runtime import OnnxGraph
from bbc_classifier.export.quantisation import quantise
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.model import PooledEncoderForSequenceClassification

# The largest difference of a logit from the model's.
TOLERANCE = 1e-4


def export_onnx(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, folder: Path, form: str
) -> str:
    """Write the folder; the graph in full precision is checked first, also where its 8-bit form is what is written.

    Args:
        model: The classifier.
        tokenizer: Its tokenizer. It will not cut: the graph does, and reads what it needs of a long text before.
        folder: Where to.
        form: "onnx" or "onnx-int8".

    Returns:
        How far the full-precision graph gives the same logits.

    Raises:
        InputError: A library is missing, or the graph gives other logits than the model.
    """
    exported_config(model.config, form).save_pretrained(folder)
    save_tokenizer(tokenizer, folder, None)
    path = folder / GRAPH_FILES[form]
    path.parent.mkdir(parents=True)
    if form == "onnx":
        write_onnx_graph(model, path)
        return _check_same_logits(model, tokenizer, path)
    with tempfile.TemporaryDirectory(dir=folder) as full:
        whole = Path(full) / "model.onnx"
        write_onnx_graph(model, whole)
        found = _check_same_logits(model, tokenizer, whole)
        quantise(whole, path)
    return found


@torch.inference_mode()
def _check_same_logits(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, path: Path
) -> str:
    graph, largest = OnnxGraph(path), 0.0
    whole = encode_texts(tokenizer, TRIAL_TEXTS, None, "head").input_ids
    for rows in (whole, whole[-1:], whole[:1]):
        for side in ("left", "right"):
            padded = tokenizer.pad({"input_ids": rows}, padding_side=side, return_tensors="pt")
            ids, mask = padded["input_ids"], padded["attention_mask"]
            ours = model(input_ids=ids, attention_mask=mask).logits.numpy()
            largest = max(largest, float(np.abs(ours - graph.logits(ids.numpy(), mask.numpy())).max()))
    if not largest <= TOLERANCE:
        raise InputError(
            f"--format onnx: the graph's logits differ from the classifier's by {largest:.1e}, more than {TOLERANCE}; "
            "nothing was written"
        )
    return f"within {TOLERANCE}"
