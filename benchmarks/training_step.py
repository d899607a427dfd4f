"""One training step at equal work: the stock Trainer recipe against this package, and the peak of a matrix product.

Both train on the same rows of one length, in turns. Stock: AutoModelForSequenceClassification, fp32, sdpa, dropout 0.1.
Ours: bf16 where the processor or GPU has it, `training_attention`, no dropout in the encoder. Both: the Trainer, AdamW.
Read the ratios, not the seconds. A share of the peak counts the operations of `common.training_flop`. On a GPU,
kernels need not be deterministic. Writes results/training_step.json.
"""

import argparse
import json
import statistics
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import gemm_peak, make_parser, stock_model, summary, synchronize, training_flop, write_results
from transformers import AutoTokenizer, PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

from bbc_classifier.config import TrainArguments
from bbc_classifier.inference.classifier import choose_precision
from bbc_classifier.model import PooledEncoderForSequenceClassification, locate_encoder
from bbc_classifier.training.trainer import ClassifierTrainer, TokenizedRows, training_arguments, training_attention

LABELS = list("abcde")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
STOCK, OURS = "stock", "ours"
OUR_PRECISION = choose_precision("auto", "cuda" if torch.cuda.is_available() else "cpu")


class StepTimer(TrainerCallback):
    """Notes the seconds of each step, collation and optimizer included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_begin(self, args, state, control, **kwargs):
        """Start the clock."""
        self._last = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        """Note the step."""
        synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now


def random_ids(length: int, count: int) -> list[list[int]]:
    """Return rows of random token ids."""
    return torch.randint(1000, 20000, (count, length), generator=torch.Generator().manual_seed(0)).tolist()


def stock_trainer(args: argparse.Namespace, length: int, output_dir: str) -> Trainer:
    """Return the library's classifier under the Trainer's defaults."""
    model = stock_model(locate_encoder(args.encoder).path, len(LABELS), 0, attn_implementation="sdpa")
    sizes = {"per_device_train_batch_size": args.batch, "max_steps": args.steps, "learning_rate": 2e-5}
    quiet = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True}
    arguments = TrainingArguments(output_dir, **sizes, **quiet)
    ids = random_ids(length, args.batch * args.steps)
    rows = [{"input_ids": x, "attention_mask": [1] * length, "labels": n % len(LABELS)} for n, x in enumerate(ids)]
    return Trainer(model, arguments, train_dataset=rows)


def our_trainer(args: argparse.Namespace, length: int, output_dir: str) -> ClassifierTrainer:
    """Return this package's classifier under its Trainer, without validation and checkpoints."""
    set_seed(0)
    train_args = TrainArguments(
        **{"per_device_train_batch_size": args.batch, "max_steps": args.steps, "num_train_epochs": 1},
        **{"learning_rate": 2e-5, "lr_scheduler_type": "linear", "weight_decay": 0.0, "warmup_steps": 0},
        **{"precision": OUR_PRECISION, "early_stopping_patience": 0, "full_determinism": False, "disable_tqdm": True},
        trainer_kwargs={"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False},
    )
    options = {"labels": LABELS, "max_input_tokens": length, "encoder_dropout": 0.0}
    model = PooledEncoderForSequenceClassification.from_encoder(args.encoder, **options)
    ids = random_ids(length, args.batch * args.steps)
    rows = TokenizedRows(ids, np.arange(len(ids)) % len(LABELS), [False] * len(ids), list(range(len(ids))))
    tokenizer = AutoTokenizer.from_pretrained(locate_encoder(args.encoder).path)
    arguments = training_arguments(train_args, Path(output_dir))
    return ClassifierTrainer(model, tokenizer, arguments, train_args, rows, rows.first(1))


def run_steps(args: argparse.Namespace, length: int, name: str, timer: StepTimer) -> float:
    """Train for some steps; return the operations of a step."""
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = (stock_trainer if name == STOCK else our_trainer)(args, length, output_dir)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(timer)
        with nullcontext() if name == STOCK else training_attention(trainer.model, OUR_PRECISION, length):
            trainer.train()
    encoder = trainer.model.base_model if name == STOCK else trainer.model.encoder
    return training_flop(encoder, args.batch * length, args.batch * length**2)


def compare(args: argparse.Namespace, length: int) -> dict[str, Any]:
    """Return seconds, speed relative to the stock Trainer, and shares of the peaks measured in the same round."""
    # A processor without bf16 instructions emulates them.
    dtypes = {name: dtype for name, dtype in DTYPES.items() if name in ("fp32", OUR_PRECISION)}
    seconds: dict[str, list[float]] = {STOCK: [], OURS: []}
    peaks: dict[str, list[float]] = {name: [] for name in dtypes}
    flop = {}
    for turn in range(args.rounds):
        for name, dtype in dtypes.items():
            peaks[name].append(gemm_peak(dtype))
        for name in (STOCK, OURS) if turn % 2 == 0 else (OURS, STOCK):
            timer = StepTimer()
            flop[name] = run_steps(args, length, name, timer)
            seconds[name].append(statistics.median(timer.seconds[1:]))  # the first step is not counted
    result: dict[str, Any] = {"gflop_per_step": round(flop[OURS] / 1e9, 1)}
    ratios = (stock / own for stock, own in zip(seconds[STOCK], seconds[OURS], strict=True))
    result["times_as_fast_as_stock"] = summary(ratios)
    result["gemm_peak_gflops"] = {name: summary((peak / 1e9 for peak in values), 1) for name, values in peaks.items()}
    for name, values in seconds.items():
        result[name] = {"precision": "fp32" if name == STOCK else OUR_PRECISION, "seconds": summary(values, 4)}
        for kind, peak in peaks.items():
            shares = (flop[name] / own / best for own, best in zip(values, peak, strict=True))
            result[name][f"share_of_{kind}_peak"] = summary(shares, 4)
    print(f"{length} tokens: {json.dumps(result)}", flush=True)
    return result


def main() -> None:
    """Compare at every length and write the results."""
    parser = make_parser(__doc__, "training_step.json")
    parser.add_argument("--encoder", default="minilm", help="name or directory (default: %(default)s)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256], help="tokens of every row")
    parser.add_argument("--batch", type=int, default=16, help="rows per step (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=6, help="steps per training, 2 or more (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    args = parser.parse_args()
    lengths = {str(length): compare(args, length) for length in args.lengths}
    record = {name: getattr(args, name) for name in ("batch", "steps", "rounds")}
    write_results(args.output_file, {"encoder": locate_encoder(args.encoder).name, **record, "lengths": lengths})


if __name__ == "__main__":
    main()
