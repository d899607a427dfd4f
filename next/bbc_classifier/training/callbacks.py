"""Callbacks: stop on a signal with a checkpoint, stop when loss or gradient are unusable, show progress."""

import math
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import torch
from transformers import ProgressCallback, TrainerCallback, TrainingArguments

from bbc_classifier.errors import Interrupted, TrainingDivergedError
from bbc_classifier.training.run_dir import CHECKPOINT_PREFIX

# A sound start has a gradient norm below 100. Clipping one this large to 1 leaves nearly every weight where it is.
MAX_FIRST_GRADIENT_NORM = 1e4


class FailureCheck(TrainerCallback):
    """Raises a TrainingDivergedError if a logged loss or gradient norm is NaN, infinite, or at first too large."""

    def on_train_begin(self, args, state, control, **kwargs):
        """Find the best checkpoint of a resumed run also after its directory was moved."""
        best = Path(args.output_dir, f"{CHECKPOINT_PREFIX}{state.best_global_step}")
        if best.is_dir():
            state.best_model_checkpoint = str(best)

    def on_step_end(self, args, state, control, **kwargs):
        """Log the first step, whose gradient norm is checked."""
        control.should_log |= state.global_step == 1

    def on_log(self, args, state, control, logs, **kwargs):
        """Check the losses and the gradient norm."""
        is_first = state.global_step == 1
        for name in ("loss", "eval_loss", "grad_norm"):
            # In fp16 a norm may overflow: the gradient scaler then skips the step and lowers its scale.
            if not math.isfinite(logs.get(name, 0.0)) and not (args.fp16 and name == "grad_norm"):
                raise TrainingDivergedError(
                    f"{name} became {logs[name]} at step {state.global_step}; lower --learning_rate (now "
                    f"{args.learning_rate:g}) or use --precision fp32{' or --head_init random' if is_first else ''}"
                )
        if is_first and MAX_FIRST_GRADIENT_NORM < logs.get("grad_norm", 0.0) < math.inf:
            raise TrainingDivergedError(
                f"the gradient norm of the first step is {logs['grad_norm']:.3g} (above {MAX_FIRST_GRADIENT_NORM:g}): "
                f"clipped to --max_grad_norm {args.max_grad_norm:g} it trains almost nothing. A weight of the head or "
                "of --encoder is extreme: use --head_init random or another encoder"
            )


class StopOnSignal(TrainerCallback):
    """On SIGINT or SIGTERM, finishes the step, writes a checkpoint and stops. A second signal stops at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "StopOnSignal":
        if threading.current_thread() is threading.main_thread():  # no other thread can handle signals
            self._handlers = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_step_end(self, args, state, control, **kwargs):
        """Save after this step; at the end of an epoch only after its validation."""
        control.should_save |= self._is_stopping(args) and not float(state.epoch).is_integer()

    def on_epoch_end(self, args, state, control, **kwargs):
        """Save after the validation, also if epochs are not saved."""
        control.should_save |= self._is_stopping(args)

    def on_save(self, args, state, control, **kwargs):
        """Raise Interrupted if a signal was received, now that a checkpoint is written."""
        if self._is_stopping(args):
            message = f"stopped at step {state.global_step} of {state.max_steps} after writing a checkpoint"
            raise Interrupted(message, 128 + int(self.received or 0))

    def _note(self, number: int, frame: object) -> None:
        self.received = number
        self.__exit__()

    def _is_stopping(self, args: TrainingArguments) -> bool:
        """Return whether any process received a signal: all must stop at the same step, or the others wait forever."""
        if args.world_size > 1:
            received = torch.tensor(self.received or 0, device=args.device)
            torch.distributed.all_reduce(received, torch.distributed.ReduceOp.MAX)
            self.received = int(received) or None
        return self.received is not None


class Progress(ProgressCallback):
    """A progress bar with the training loss, and a line with the main metrics of each validation on standard error."""

    def on_log(self, args, state, control, logs, **kwargs):
        """Show what was logged."""
        if self.training_bar is None:
            return
        if "loss" in logs:
            self.training_bar.set_postfix(loss=f"{logs['loss']:.4f}", refresh=False)
        names = ("eval_loss", "eval_accuracy", "eval_subset_accuracy", "eval_macro_f1")
        shown = ", ".join(f"{name} {logs[name]:.4f}" for name in names if name in logs)
        if shown:
            self.training_bar.write(f"epoch {state.epoch:.2f}: {shown}", file=sys.stderr)
