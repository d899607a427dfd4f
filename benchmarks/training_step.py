"""What one training step costs, and what freezing layers and leaving out the encoder's dropout save, side by side.

`python benchmarks/training_step.py` writes `results/training-step.json`. The variants take turns, so that a machine
whose speed drifts slows all of them alike; quote the ratios, not the seconds.
"""

import statistics
import time
from pathlib import Path

import torch
from transformers import set_seed

from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.provenance import provenance
from bbc_classifier.records import write_json

RECORD = Path("results") / "training-step.json"
ROWS, TOKENS, ROUNDS = 16, 128, 9
LABELS = ["business", "entertainment", "politics", "sport", "tech"]
FIRST = "two layers frozen"
# name: (frozen layers, encoder dropout; None keeps the checkpoint's own 0.1)
VARIANTS = {FIRST: (2, 0.0), "nothing frozen": (0, 0.0), "nothing frozen, encoder dropout": (0, None)}


def build(frozen_layers: int, encoder_dropout: float | None) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """Return a classifier in training mode and the optimiser over what it trains."""
    set_seed(0)
    model = PooledEncoderForSequenceClassification.from_encoder(
        "minilm", labels=LABELS, encoder_dropout=encoder_dropout, max_input_tokens=TOKENS
    )
    model.freeze_encoder(frozen_layers)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return model.train(), torch.optim.AdamW(trained, lr=1e-4, fused=True)


def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: dict[str, torch.Tensor]) -> float:
    """Do one step; return its seconds."""
    started = time.perf_counter()
    model(**batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - started


def summary(values: list[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {
        name: round(function(values), 3)
        for name, function in (("min", min), ("median", statistics.median), ("max", max))
    }


if __name__ == "__main__":
    built = {name: build(*settings) for name, settings in VARIANTS.items()}
    batch = {
        "input_ids": torch.randint(1000, 20000, (ROWS, TOKENS)),
        "attention_mask": torch.ones(ROWS, TOKENS, dtype=torch.long),
        "labels": torch.arange(ROWS) % len(LABELS),
    }
    rounds = [{name: step(*pair, batch) for name, pair in built.items()} for _ in range(ROUNDS + 1)][1:]
    record = {
        "rows": ROWS,
        "tokens": TOKENS,
        "rounds": ROUNDS,
        "seconds": {name: summary([each[name] for each in rounds]) for name in VARIANTS},
        "ratio_to_first": {name: summary([each[name] / each[FIRST] for each in rounds]) for name in VARIANTS},
        "provenance": provenance(),
    }
    write_json(RECORD, record)
    for name in VARIANTS:
        seconds, ratio = record["seconds"][name]["median"], record["ratio_to_first"][name]["median"]
        print(f"{name:34} {seconds:.3f} s, {ratio:.2f} x {FIRST}")
    print(f"Written: {RECORD}")
