"""Callbacks: stop on a signal with a checkpoint, stop when numbers are no longer usable, show progress."""

import math
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from transformers import ProgressCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bbc_classifier.errors import Interrupted, TrainingDivergedError
from bbc_classifier.training.run_dir import CHECKPOINT_PREFIX

# A sound start has a gradient norm below 100. Clipping one this large to 1 leaves nearly every weight where it is.
MAX_FIRST_GRADIENT_NORM = 1e4


class FailureCheck(TrainerCallback):
    """Stops a training whose numbers are no longer usable, or whose first gradient is too large to train with."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Find the best checkpoint of a resumed run also after its directory was moved."""
        best = Path(str(args.output_dir)) / f"{CHECKPOINT_PREFIX}{state.best_global_step}"
        if best.is_dir():
            state.best_model_checkpoint = str(best)
        state.compute_steps(args, state.max_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log the first step, whose gradient norm is checked."""
        control.should_log |= state.global_step == 1

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Raise a TrainingDivergedError if a logged loss or gradient norm is NaN, infinite, or at first too large."""
        for name in ("loss", "eval_loss", "grad_norm"):
            # In fp16 a norm may overflow: the gradient scaler then skips the step and lowers its scale.
            if not (args.fp16 and name == "grad_norm"):
                check_finite(name, (logs or {}).get(name, 0.0), state.global_step, args)
        if state.global_step == 1 and MAX_FIRST_GRADIENT_NORM < (logs or {}).get("grad_norm", 0.0) < math.inf:
            raise TrainingDivergedError(
                f"the gradient norm of the first step is {logs['grad_norm']:.3g} (above {MAX_FIRST_GRADIENT_NORM:g}): "
                f"clipped to --max_grad_norm {args.max_grad_norm:g} it trains almost nothing. A weight of the head or "
                "of --encoder is extreme: use --head_init random or another encoder"
            )


def check_finite(name: str, value: float, step: int, args: TrainingArguments) -> None:
    """Raise a TrainingDivergedError that says what to do if a number is NaN or infinite."""
    if not math.isfinite(value):
        raise TrainingDivergedError(
            f"{name} became {value} at step {step}; lower --learning_rate (now {args.learning_rate:g}) or use "
            f"--precision fp32{' or --head_init random' if step == 1 else ''}"
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

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save after this step; at the end of an epoch only after its validation."""
        if self._is_stopping(args) and not float(state.epoch or 0.5).is_integer():
            control.should_save = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save after the validation, also if epochs are not saved."""
        if self._is_stopping(args):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop with what was just saved.

        Raises:
            Interrupted: A signal was received.
        """
        if self._is_stopping(args):
            raise Interrupted(
                f"stopped at step {state.global_step} of {state.max_steps} after writing a checkpoint",
                128 + int(self.received or 0),
            )

    def _note(self, number: int, frame: FrameType | None) -> None:
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
    """A progress bar with the training loss, and a line per validation, on standard error."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Show the training loss beside the bar."""
        if self.training_bar is not None and "loss" in (logs or {}):
            self.training_bar.set_postfix(loss=f"{logs['loss']:.4f}", refresh=False)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Write the main metrics of a validation."""
        super().on_evaluate(args, state, control, **kwargs)
        if self.training_bar is not None:
            names = ("eval_loss", "eval_accuracy", "eval_subset_accuracy", "eval_macro_f1")
            shown = ", ".join(f"{name} {metrics[name]:.4f}" for name in names if name in (metrics or {}))
            self.training_bar.write(f"epoch {state.epoch:.2f}: {shown}", file=sys.stderr)
