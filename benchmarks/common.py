"""What the benchmarks share: options, the stock model, operations of a training, seconds, the peak, the results."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, set_seed

from bbc_classifier.io import write_json
from bbc_classifier.model import locate_encoder
from bbc_classifier.provenance import environment

RESULTS = Path("results")


def make_parser(description: str | None, file: str) -> argparse.ArgumentParser:
    """Return a parser with the option `--output_file`, by default this file in results/."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output_file", type=Path, default=RESULTS / file, help="default: %(default)s")
    return parser


def stock_model(encoder: str | Path, num_labels: int, seed: int, **options: Any) -> PreTrainedModel:
    """Return the library's classifier with a new head."""
    set_seed(seed)
    return AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=num_labels, **options)


def save_sentence_encoder(encoder: str, path: str) -> str:
    """Write an encoder in the layout of sentence-transformers; return its directory."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    # The mean, normalized, of at most 256 tokens: the model card of all-MiniLM-L6-v2.
    transformer = Transformer(str(locate_encoder(encoder).path), max_seq_length=256)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save(path)
    return path


def synchronize() -> None:
    """Wait until the GPU, if there is one, has finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed(function: Callable[..., Any], *args: Any) -> float:
    """Return the seconds of a call, those of the GPU included."""
    synchronize()
    started = time.perf_counter()
    function(*args)
    synchronize()
    return time.perf_counter() - started


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


def gemm_peak(dtype: torch.dtype, size: int = 4096) -> float:
    """Return the best FLOP/s of a few products of square matrices."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in "ab")
    return 2 * size**3 / min(timed(torch.matmul, left, right) for _ in range(6))


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
