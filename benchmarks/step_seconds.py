"""The seconds of a training step under a Trainer, on rows all of one length."""

import statistics
import time
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, set_seed

from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.attention import choose_attention
from bbc_classifier.training.trainer import ClassifierTrainer

# The first step warms the caches and is not counted.
STEPS, COUNTED_FROM = 5, 1
LABELS = ["business", "entertainment", "politics", "sport", "tech"]


class StepSeconds(TrainerCallback):
    """Notes what each step takes, collation and optimiser included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.seconds, self._last = [], time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note a lap."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now


def rows_of_length(length: int, batch: int) -> list[dict[str, Any]]:
    """Return rows of `length` tokens, enough for every step of a batch size."""
    generator = torch.Generator().manual_seed(0)
    return [
        {
            "input_ids": torch.randint(1000, 20000, (length,), generator=generator).tolist(),
            "attention_mask": [1] * length,
            "labels": row % len(LABELS),
        }
        for row in range(batch * STEPS)
    ]


def our_trainer(
    encoder: str,
    length: int,
    batch: int,
    folder: str,
    *,
    precision: str = "auto",
    attention: str | None = None,
    encoder_dropout: float | None = 0.0,
) -> ClassifierTrainer:
    """Return our classifier under our Trainer, over rows of `length` tokens and without validation.

    Args:
        encoder: Its name or folder.
        length: Tokens of every row.
        batch: Rows of a step.
        folder: Where the Trainer may write.
        precision: As `--precision`.
        attention: As `--attn_implementation`.
        encoder_dropout: None keeps the checkpoint's own.
    """
    set_seed(0)
    arguments = ClassifierTrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=batch,
        max_steps=STEPS,
        precision=precision,
        eval_strategy="no",
        save_strategy="no",
        load_best_model_at_end=False,
        disable_tqdm=True,
    )
    model = PooledEncoderForSequenceClassification.from_encoder(
        encoder,
        labels=LABELS,
        encoder_dropout=encoder_dropout,
        attn_implementation=choose_attention(
            attention, arguments.device.type, arguments.precision, tokens=length, trains_encoder=True
        ),
        max_input_tokens=length,
    )
    return ClassifierTrainer(model=model, args=arguments, train_dataset=rows_of_length(length, batch))


def median_step_seconds(trainer: Trainer) -> float:
    """Train `STEPS` steps; return the median seconds of those that count."""
    clock = StepSeconds()
    trainer.add_callback(clock)
    trainer.train()
    return statistics.median(clock.seconds[COUNTED_FROM:])


def summary(values: list[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    figures = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: round(value, 3) for name, value in figures.items()}
