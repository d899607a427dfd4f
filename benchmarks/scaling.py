"""How the cost of training grows with articles, tokens and encoder: `python benchmarks/scaling.py`.

Articles: the default recipe, from the start of its process to the model on disk, on 500 to 20,000 articles, each put
together from sentences of articles of one class. Tokens and encoders: a training step that trains everything, in the
fastest safe format, over encoders of the named sizes with random weights, whose steps cost what trained ones cost.
Writes `results/scaling.json` and `.png`.
"""

import argparse
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from peers import common_task, measure
from step_seconds import median_step_seconds, our_trainer, summary
from transformers import BertConfig, BertModel

from bbc_classifier.figure_file import save_figure
from bbc_classifier.provenance import provenance
from bbc_classifier.records import write_json

RECORD = Path("results") / "scaling.json"
ARTICLES = (500, 2_000, 5_000, 20_000)
LENGTHS = (64, 128, 256, 512)
BATCH, ROUNDS, SENTENCES, SEED = 16, 3, 15, 42
FIXED_LENGTH, FIXED_ENCODER = 128, "MiniLM-L6"
# name: (layers, width, inner width, heads)
ENCODERS = {
    "TinyBERT-4": (4, 312, 1200, 12),
    "MiniLM-L6": (6, 384, 1536, 12),
    "DistilBERT's size": (6, 768, 3072, 12),
    "BERT-base": (12, 768, 3072, 12),
}
LINE, MARK = "#0072B2", "o-"


def put_together(rows: dict[str, list[Any]], articles: int) -> dict[str, list[Any]]:
    """Return so many articles, each of sentences drawn from all articles of its class."""
    rng = random.Random(SEED)
    sentences: dict[int, list[str]] = {}
    for text, label in zip(rows["texts"], rows["labels"], strict=True):
        sentences.setdefault(label, []).extend(re.split(r"(?<=[.!?])\s+", text))
    labels = [rng.choice(rows["labels"]) for _ in range(articles)]
    return {"texts": [" ".join(rng.sample(sentences[label], SENTENCES)) for label in labels], "labels": labels}


def seconds_of_articles() -> dict[str, float]:
    """Return the seconds of the default recipe for each number of articles."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        shared = common_task(Path(folder))
        for articles in ARTICLES:
            task = {**shared, "train": put_together(shared["train"], articles)}
            seconds[str(articles)] = measure("recipe", {"recipe": "default"}, task, SEED)["seconds"]
            print(f"{articles} articles: {seconds[str(articles)]:.0f} s", flush=True)
    return seconds


def random_encoder(name: str, folder: Path) -> str:
    """Write an encoder of a size, with random weights; return its folder."""
    layers, width, inner, heads = ENCODERS[name]
    config = BertConfig(num_hidden_layers=layers, hidden_size=width, intermediate_size=inner, num_attention_heads=heads)
    BertModel(config).save_pretrained(folder / name)
    return str(folder / name)


def seconds_of_steps() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a step takes by tokens, and by encoder."""
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        encoders = {name: random_encoder(name, folder) for name in ENCODERS}
        cells = {f"{length}": (encoders[FIXED_ENCODER], length) for length in LENGTHS}
        cells |= {name: (encoder, FIXED_LENGTH) for name, encoder in encoders.items()}
        rounds = [
            {name: median_step_seconds(our_trainer(*cell, BATCH, str(folder / "run"))) for name, cell in cells.items()}
            for _ in range(ROUNDS)
        ]
    steps = {name: summary([each[name] for each in rounds]) for name in cells}
    return {f"{length}": steps[f"{length}"] for length in LENGTHS}, {name: steps[name] for name in ENCODERS}


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw the three curves side by side."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    by_articles, by_length, by_encoder = figure.subplots(1, 3)
    articles = {int(number): seconds for number, seconds in record["default_recipe_seconds"].items()}
    by_articles.plot(list(articles), list(articles.values()), MARK, color=LINE)
    by_articles.set(xlabel="articles", ylabel="seconds", title="Default recipe, start to model", ylim=(0, None))
    lengths = {int(length): entry["median"] for length, entry in record["step_seconds_by_tokens"].items()}
    by_length.plot(list(lengths), list(lengths.values()), MARK, color=LINE)
    by_length.set(xlabel="tokens", ylabel="seconds", title=f"A step, {FIXED_ENCODER}, {BATCH} rows", ylim=(0, None))
    encoders = {name: entry["median"] for name, entry in record["step_seconds_by_encoder"].items()}
    bars = by_encoder.barh(list(encoders), list(encoders.values()), color=LINE)
    by_encoder.bar_label(bars, fmt="%.2f", padding=3)
    by_encoder.set(xlabel="seconds", title=f"A step, {FIXED_LENGTH} tokens, {BATCH} rows")
    by_encoder.margins(x=0.2)
    by_encoder.invert_yaxis()
    for axes in (by_articles, by_length):
        axes.grid(alpha=0.3)
    save_figure(figure, path)


def main() -> None:
    """Measure and write."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    started = time.time()
    by_tokens, by_encoder = seconds_of_steps()
    record = {
        "schema": 1,
        "default_recipe_seconds": seconds_of_articles(),
        "batch": BATCH,
        "rounds": ROUNDS,
        "step_seconds_by_tokens": by_tokens,
        "step_seconds_by_encoder": by_encoder,
        "threads": torch.get_num_threads(),
        "provenance": provenance(),
    }
    write_json(RECORD, record)
    draw(record, RECORD.with_suffix(".png"))
    print(f"Written: {RECORD} and .png beside it, after {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
