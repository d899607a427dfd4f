"""Opening a classifier in whichever form it is: as it was trained, or exported."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from bbc_classifier.errors import InputError
from bbc_classifier.export.exported_config import exported_format, original_config
from bbc_classifier.inference.checkpoint import config_values, load_tokenizer, model_location, readable
from bbc_classifier.inference.classifier import NewsClassifier, TextClassifier, chosen_device
from bbc_classifier.inference.config_bounds import refuse_larger_than_weights
from bbc_classifier.inference.described_checkpoint import EXPORT, as_described
from bbc_classifier.inference.onnx_classifier import OnnxClassifier


def open_classifier(name_or_path: str, *, revision: str | None = None, device: str | None = None) -> TextClassifier:
    """Open a run folder, a model folder, an exported folder, or a Hub id of any of them.

    Args:
        name_or_path: Where the classifier is.
        revision: Branch, tag or commit of a Hub id.
        device: "cpu", "cuda", "mps", …; None takes the accelerator where there is one. An ONNX graph runs on "cpu".

    Raises:
        InputError: Nothing is there, it is no classifier of ours, or there is no such device.
        WorldError: The Hub cannot be reached.
    """
    values = config_values(name_or_path, revision)
    form = exported_format(values)
    if form is None:
        return NewsClassifier.from_pretrained(name_or_path, revision=revision, device=device)
    if form == "transformers":
        return _open_stock_class(name_or_path, revision, values, device)
    if device not in (None, "cpu"):
        raise InputError(f"--device: '{name_or_path}' is an ONNX graph, which runs on cpu here, not on '{device}'")
    return OnnxClassifier.from_values(name_or_path, revision, values, form)


def _open_stock_class(
    name_or_path: str, revision: str | None, values: Mapping[str, Any], device: str | None
) -> NewsClassifier:
    device = chosen_device(device)
    what, location = f"--model: '{name_or_path}'", model_location(name_or_path)
    with readable(name_or_path), as_described(what, location, revision, record_name=EXPORT):
        refuse_larger_than_weights(what, location, revision, lambda: _described(values))
        model, report = AutoModelForSequenceClassification.from_pretrained(
            location,
            revision=revision or "main",
            dtype=torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        if report["missing_keys"]:
            raise InputError(f"{what} lacks tensors, {min(report['missing_keys'])} among them")
        return NewsClassifier(model.eval().to(device), load_tokenizer(name_or_path, revision), original_config(values))


def _described(values: Mapping[str, Any]) -> PreTrainedModel:
    own = {name: value for name, value in values.items() if name != "model_type"}
    return AutoModelForSequenceClassification.from_config(AutoConfig.for_model(values["model_type"], **own))
