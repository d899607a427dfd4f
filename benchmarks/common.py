"""What the benchmarks share: a tiny encoder, the operations of a training, summaries, the file of results."""

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedModel

from bbc_classifier.io import write_json
from bbc_classifier.model import locate_encoder
from bbc_classifier.provenance import environment

RESULTS = Path("results")


def save_tiny_encoder(path: Path) -> Path:
    """Write a BERT of random weights, 2 layers 32 wide, with the tokenizer of MiniLM; return its directory."""
    tokenizer = AutoTokenizer.from_pretrained(locate_encoder("minilm").path)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def synchronize() -> None:
    """Wait until the GPU, if there is one, has finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def training_flop(encoder: PreTrainedModel, tokens: float, squared_tokens: float) -> float:
    """Return the floating-point operations of a forward and backward pass of an encoder.

    6 × parameters × tokens, for parameters without embeddings and pooler, plus 12 × layers × width × tokens² of each
    row for attention (J. Kaplan et al., "Scaling Laws for Neural Language Models", 2020, table 1, three times).

    Args:
        encoder: An encoder without a head.
        tokens: Tokens of all rows.
        squared_tokens: The sum of the squared tokens of every row.
    """
    named = encoder.named_parameters()
    parameters = sum(tensor.numel() for name, tensor in named if "embedding" not in name and "pooler" not in name)
    config = encoder.config
    return 6 * parameters * tokens + 12 * config.num_hidden_layers * config.hidden_size * squared_tokens


def summary(values: Iterable[float], digits: int = 3) -> dict[str, float]:
    """Return median, minimum and maximum."""
    values = list(values)
    figures = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in figures.items()}


def shown(figures: dict[str, float], spec: str = ".1f") -> str:
    """Return a summary as "median (min to max)"."""
    return "{} ({} to {})".format(*(format(figures[name], spec) for name in ("median", "min", "max")))


def write_results(path: Path, record: dict[str, Any]) -> None:
    """Write a record with the versions and the hardware it was measured on."""
    write_json(path, {"schema": 2, **record, "provenance": environment()})
    print(f"Written: {path}")
