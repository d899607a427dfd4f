"""The cost of one training step at equal work: the stock Trainer, this package, and the peak of a matrix product.

All variants train on rows of the same length, one after the other in each round; read the ratios, not the seconds.
Writes results/training_step.json.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, shown, summary, write_results
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from bbc_classifier.config import TrainArguments
from bbc_classifier.model import PooledEncoderForSequenceClassification, locate_encoder
from bbc_classifier.training.trainer import ClassifierTrainer, TokenizedRows, training_arguments

LABELS = ["business", "entertainment", "politics", "sport", "tech"]
GEMM_SIZE, GEMM_REPEATS = 2048, 12
STOCK = "stock Trainer, fp32"
# An encoder_dropout of None keeps the checkpoint's own, 0.1.
VARIANTS: dict[str, dict[str, Any]] = {
    "ours, fp32": {"precision": "fp32"},
    "ours, fp32, no encoder dropout": {"precision": "fp32", "encoder_dropout": 0.0},
    "ours, bf16": {"precision": "bf16"},
    "ours, bf16, no encoder dropout": {"precision": "bf16", "encoder_dropout": 0.0},
    "ours, bf16, no encoder dropout, eager attention": {
        "precision": "bf16",
        "encoder_dropout": 0.0,
        "attn_implementation": "eager",
    },
}


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


def synchronize() -> None:
    """Wait until the GPU, if there is one, has finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def gemm_peak(dtype: torch.dtype) -> float:
    """Return the best GFLOP/s of a few products of square matrices."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(GEMM_SIZE, GEMM_SIZE, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(GEMM_REPEATS):
        synchronize()
        started = time.perf_counter()
        left @ right
        synchronize()
        seconds.append(time.perf_counter() - started)
    return 2 * GEMM_SIZE**3 / min(seconds) / 1e9


def gflop_per_step(path: str, length: int, batch: int) -> float:
    """Return the multiplications and additions of a forward and backward pass, in 10^9.

    Per layer and token 2 (4 width² + 2 width inner) for the linear layers and 4 width length for attention; backward
    costs twice as much (J. Kaplan et al., "Scaling Laws for Neural Language Models", 2020, table 1).
    """
    config = AutoConfig.from_pretrained(path)
    width, inner = config.hidden_size, config.intermediate_size
    per_token = 2 * (4 * width**2 + 2 * width * inner) + 4 * width * length
    return 3 * config.num_hidden_layers * per_token * length * batch / 1e9


def make_rows(length: int, count: int) -> TokenizedRows:
    """Return rows of random tokens."""
    ids = torch.randint(1000, 20000, (count, length), generator=torch.Generator().manual_seed(0)).tolist()
    return TokenizedRows(ids, torch.arange(count).remainder(len(LABELS)).numpy(), [False] * count)


def stock_trainer(args: argparse.Namespace, length: int, output_dir: str) -> Trainer:
    """Return the library's classifier under the Trainer's defaults."""
    path = str(locate_encoder(args.encoder).path)
    set_seed(0)
    arguments = TrainingArguments(
        output_dir=output_dir,
        per_device_train_batch_size=args.batch,
        max_steps=args.steps,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    return Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(path, num_labels=len(LABELS)),
        args=arguments,
        train_dataset=make_rows(length, args.batch * args.steps).as_dataset(),
    )


def our_trainer(
    args: argparse.Namespace, length: int, output_dir: str, precision: str, **options: Any
) -> ClassifierTrainer:
    """Return this package's classifier under its Trainer, without validation and checkpoints."""
    set_seed(0)
    train_args = TrainArguments(
        per_device_train_batch_size=args.batch,
        max_steps=args.steps,
        num_train_epochs=1,
        learning_rate=2e-5,
        weight_decay=0.0,
        warmup_steps=0,
        precision=precision,
        early_stopping_patience=0,
        disable_tqdm=True,
        trainer_kwargs={"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False},
    )
    model = PooledEncoderForSequenceClassification.from_encoder(
        args.encoder, labels=LABELS, max_input_tokens=length, **options
    )
    tokenizer = AutoTokenizer.from_pretrained(locate_encoder(args.encoder).path)
    rows = make_rows(length, args.batch * args.steps)
    arguments = training_arguments(train_args, Path(output_dir))
    return ClassifierTrainer(model, tokenizer, arguments, train_args, rows, make_rows(length, 1))


def median_seconds(trainer: Trainer) -> float:
    """Train and return the median seconds of a step; the first one is not counted."""
    timer = StepTimer()
    trainer.add_callback(timer)
    trainer.train()
    return statistics.median(timer.seconds[1:])


def compare(args: argparse.Namespace, length: int, output_dir: str) -> dict[str, Any]:
    """Return the seconds of every variant, its speed relative to the stock Trainer, and its share of the peak."""
    builders: dict[str, Callable[[], Trainer]] = {STOCK: partial(stock_trainer, args, length, output_dir)}
    for name, options in VARIANTS.items():
        builders[name] = partial(our_trainer, args, length, output_dir, **options)
    rounds, peaks = [], []
    for _ in range(args.rounds):
        rounds.append({name: median_seconds(build()) for name, build in builders.items()})
        peaks.append({name: gemm_peak(getattr(torch, name)) for name in ("float32", "bfloat16")})
    gflop = gflop_per_step(str(locate_encoder(args.encoder).path), length, args.batch)
    peak = {name: summary(each[name] for each in peaks) for name in peaks[0]}
    variants = {}
    for name in builders:
        kind = "bfloat16" if "bf16" in name else "float32"
        variants[name] = {
            "seconds": summary(each[name] for each in rounds),
            "times_as_fast_as_stock": summary(each[STOCK] / each[name] for each in rounds),
            "share_of_gemm_peak": summary(gflop / each[name] / peak[kind]["median"] for each in rounds),
        }
        figures = {key: shown(value, ".3f") for key, value in variants[name].items()}
        print(f"{length} tokens, {name}: {figures}", flush=True)
    return {"gflop_per_step": round(gflop, 1), "gemm_peak_gflop_per_second": peak, "variants": variants}


def main() -> None:
    """Compare at every length and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", help="default: %(default)s")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256], help="tokens of every row")
    parser.add_argument("--batch", type=int, default=16, help="rows per step (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5, help="steps per training (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=RESULTS / "training_step.json", help="default: %(default)s")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as output_dir:
        lengths = {str(length): compare(args, length, output_dir) for length in args.lengths}
    record = {name: getattr(args, name) for name in ("encoder", "batch", "steps", "rounds")}
    write_results(args.output, {**record, "lengths": lengths})


if __name__ == "__main__":
    main()
