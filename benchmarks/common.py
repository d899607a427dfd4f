"""What the benchmarks share: a tiny encoder, the summary of repeated figures, the file of results."""

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertConfig, BertModel

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
