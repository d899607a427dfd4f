"""What one training step costs at equal work, against the stock Trainer's and against the matrix product's peak.

`python benchmarks/training_step.py` writes `results/training-step.json`. Every variant is a Trainer of its own on the
same rows, all of one length: the library's `AutoModelForSequenceClassification` with the Trainer's defaults, and ours,
one lever after the other. They take turns, so that a machine whose speed drifts slows all of them alike; quote the
ratios, not the seconds.
"""

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from contenders.task import FORWARD_AND_BACKWARD, Work
from gemm_peak import gemm_peak
from step_seconds import LABELS, STEPS, median_step_seconds, our_trainer, rows_of_length, summary
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments, set_seed

from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance
from bbc_classifier.records import write_json

RECORD = Path("results") / "training-step.json"
ENCODER, BATCH, LENGTHS, ROUNDS = "minilm", 16, (128, 256), 3
STOCK = "stock Trainer"
# name: what `our_trainer` is told; an encoder_dropout of None keeps the checkpoint's own 0.1
VARIANTS: dict[str, dict[str, Any]] = {
    "ours, fp32": {"precision": "fp32", "encoder_dropout": None},
    "ours, fp32, no encoder dropout": {"precision": "fp32"},
    "ours, bf16": {"precision": "bf16", "encoder_dropout": None},
    "ours, bf16, no encoder dropout": {"precision": "bf16"},
    "the same, sdpa attention": {"precision": "bf16", "attention": "sdpa"},
    "the same, eager attention": {"precision": "bf16", "attention": "eager"},
}


def stock_trainer(length: int, folder: str) -> Trainer:
    """Return the library's classifier under the Trainer's defaults."""
    set_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        str(locate_encoder(ENCODER).path), num_labels=len(LABELS)
    )
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=BATCH,
        max_steps=STEPS,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    return Trainer(model=model, args=arguments, train_dataset=rows_of_length(length, BATCH))


def compare(length: int, folder: str) -> dict[str, Any]:
    """Return seconds, speed-ups over the stock Trainer and GFLOP/s of every variant at one length."""
    builds: dict[str, Callable[[], Trainer]] = {STOCK: lambda: stock_trainer(length, folder)}
    builds |= {name: partial(our_trainer, ENCODER, length, BATCH, folder, **told) for name, told in VARIANTS.items()}
    rounds, peaks = [], []
    for _ in range(ROUNDS):
        rounds.append({name: median_step_seconds(build()) for name, build in builds.items()})
        peaks.append({"fp32": gemm_peak(torch.float32), "bf16": gemm_peak(torch.bfloat16)})
    config = stock_trainer(length, folder).model.config
    work = Work(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=config.intermediate_size,
        lengths=[length] * BATCH,
        passes=FORWARD_AND_BACKWARD,
        seconds=1.0,
    ).gflop()
    peak = {name: statistics.median(each[name] for each in peaks) for name in peaks[0]}
    return {
        "gemm_peak_gflop_per_second": {name: summary([each[name] for each in peaks]) for name in peaks[0]},
        "gflop_per_step": round(work, 1),
        "variants": {
            name: {
                "seconds": summary([each[name] for each in rounds]),
                "times_as_fast_as_stock": summary([each[STOCK] / each[name] for each in rounds]),
                "gflop_per_second": summary([work / each[name] for each in rounds]),
                "share_of_bf16_peak": summary([work / each[name] / peak["bf16"] for each in rounds]),
            }
            for name in builds
        },
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        lengths = {str(length): compare(length, folder) for length in LENGTHS}
    record = {"schema": 1, "batch": BATCH, "rounds": ROUNDS, "lengths": lengths, "provenance": provenance()}
    write_json(RECORD, record)
    for length, content in lengths.items():
        print(f"{BATCH} rows of {length} tokens; bf16 peak {content['gemm_peak_gflop_per_second']['bf16']['median']}")
        for name, figures in content["variants"].items():
            ratio, share = figures["times_as_fast_as_stock"]["median"], figures["share_of_bf16_peak"]["median"]
            print(f"{name:52} {figures['seconds']['median']:.3f} s, {ratio:.2f} x, {share:.0%} of the bf16 peak")
    print(f"Written: {RECORD}")
