"""A loss that is no number ends the run at that step, and says which rows were in the batch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bbc_classifier.errors import Diverged

MOST_NAMED = 5


class StopOnNonFiniteLoss(TrainerCallback):
    """Stops a run whose logged figures are no numbers, instead of letting it waste hours."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Check what is logged.

        Raises:
            Diverged: The training or validation loss, or the gradient, is NaN or infinite.
        """
        for name in ("loss", "grad_norm", "eval_loss"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(float(value)):
                raise Diverged(f"{name} became {float(value)} at step {state.global_step}; {advice(args)}")


def refuse_non_finite(
    loss: torch.Tensor,
    step: int,
    batch: Mapping[str, torch.Tensor],
    rows: Sequence[Mapping[str, Any]],
    row_ids: Sequence[str],
    args: TrainingArguments,
) -> None:
    """Check the loss of one step.

    Args:
        loss: A scalar.
        step: The step, counted from 1.
        batch: What the model was given, with `input_ids` and `attention_mask`, both (rows, tokens).
        rows: The training rows, with `input_ids`.
        row_ids: Their names.
        args: The training's arguments.

    Raises:
        Diverged: It is NaN or infinite.
    """
    if torch.isfinite(loss):
        return
    named = rows_in(batch, rows, row_ids)
    shown = ", ".join(f"'{name}'" for name in named[:MOST_NAMED])
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    raise Diverged(f"the loss became {float(loss)} at step {step}, on the rows {shown}{more}; {advice(args)}")


def rows_in(batch: Mapping[str, torch.Tensor], rows: Sequence[Mapping[str, Any]], row_ids: Sequence[str]) -> list[str]:
    """Return the names of the rows in a batch: found by their tokens, since the batch holds nothing else of them."""
    wanted = {
        tuple(ids[mask.bool()].tolist()) for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    }
    return [row_id for row_id, row in zip(row_ids, rows, strict=True) if tuple(row["input_ids"]) in wanted]


def advice(args: TrainingArguments) -> str:
    """Return what helps."""
    return f"lower --learning_rate (now {args.learning_rate:g}) or use --precision fp32"
