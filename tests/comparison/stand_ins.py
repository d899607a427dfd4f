"""Stand-ins for the reference encoders: their exact architectures, random weights, their repositories' files.

They lie in a Hub cache under the reference encoders' ids, so that everything is found as the real ones would be.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForPreTraining,
    DistilBertConfig,
    DistilBertForMaskedLM,
    PreTrainedModel,
)

from bbc_classifier.model.encoders import NAMED_ENCODERS, locate_encoder

REVISION = "0" * 40
TINYBERT = {"hidden_size": 312, "num_hidden_layers": 4, "intermediate_size": 1200, "num_attention_heads": 12}


def write_stand_ins(cache: Path) -> None:
    """Write all three to a Hub cache, the value of HF_HUB_CACHE."""
    torch.manual_seed(0)
    vocabulary = Path(locate_encoder("minilm").path)
    bert = BertForPreTraining(BertConfig())
    tensors = {_old_name(name): tensor for name, tensor in _tensors(bert).items()}
    folder = _repository(cache, "bert-base", bert, vocabulary, ("vocab.txt", "tokenizer.json", "tokenizer_config.json"))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    distilbert = DistilBertForMaskedLM(DistilBertConfig())
    folder = _repository(cache, "distilbert", distilbert, vocabulary, ("vocab.txt", "tokenizer.json"))
    save_file(_tensors(distilbert), folder / "model.safetensors", metadata={"format": "pt"})

    tinybert = BertForPreTraining(BertConfig(**TINYBERT))
    folder = _repository(cache, "tinybert", tinybert, vocabulary, ("vocab.txt",))
    # It was distilled: besides the encoder there are the layers that fitted it to its teacher.
    fitted = {f"fit_denses.{layer}.weight": torch.randn(768, 312) for layer in range(5)}
    torch.save({**_tensors(tinybert), **fitted}, folder / "pytorch_model.bin")


def encoder_tensors(cache: Path, name: str) -> dict[str, torch.Tensor]:
    """Return what the encoder's own tensors must be once it is loaded, by their names of today."""
    folder = _snapshot(cache, name)
    if (folder / "pytorch_model.bin").is_file():
        tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    else:
        tensors = load_file(folder / "model.safetensors")
    prefix = "distilbert." if name == "distilbert" else "bert."
    return {_new_name(key.removeprefix(prefix)): each for key, each in tensors.items() if key.startswith(prefix)}


def _snapshot(cache: Path, name: str) -> Path:
    return cache / f"models--{NAMED_ENCODERS[name].hub_id.replace('/', '--')}" / "snapshots" / REVISION


def _repository(cache: Path, name: str, model: PreTrainedModel, vocabulary: Path, files: tuple[str, ...]) -> Path:
    folder = _snapshot(cache, name)
    folder.mkdir(parents=True)
    (folder.parents[1] / "refs").mkdir()
    (folder.parents[1] / "refs" / "main").write_text(REVISION)
    config = {
        **model.config.to_diff_dict(),
        "model_type": model.config.model_type,
        "architectures": [type(model).__name__],
    }
    (folder / "config.json").write_text(json.dumps(config))
    for file in files:
        if file == "tokenizer_config.json":
            (folder / file).write_text(json.dumps({"do_lower_case": True, "model_max_length": 512}))
        else:
            shutil.copy(vocabulary / file, folder / file)
    return folder


def _tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}


def _old_name(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def _new_name(name: str) -> str:
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
