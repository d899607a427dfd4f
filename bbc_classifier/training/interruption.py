"""SIGINT and SIGTERM during training: the step is finished, a checkpoint is written, and the run can go on from it."""

import signal
import threading
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bbc_classifier.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(TrainerCallback):
    """Lets the running step finish, saves, and stops. A second signal ends the process as it always would.

    Attributes:
        received: The signal that came, if one did.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopOnSignal":
        """Listen, where a process can: in its main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._restore()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save if a signal has reached any of the processes, all of them at the same step.

        After the last step of an epoch its validation comes first, or a run that goes on would be without it.
        """
        ends_epoch = state.epoch is not None and float(state.epoch).is_integer()
        if self._anywhere(args) and not ends_epoch:
            control.should_save = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save after the validation, also where epochs are not saved."""
        if self._anywhere(args):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """End the training with what was just saved: nothing that is drawn or measured after it would come twice.

        Raises:
            Interrupted: A signal has come.
        """
        if self._anywhere(args):
            raise Interrupted(
                f"stopped at step {state.global_step} of {state.max_steps}, with a checkpoint",
                128 + int(self.received or 0),
            )

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _anywhere(self, args: TrainingArguments) -> bool:
        if args.world_size == 1:
            return self.received is not None
        # A launcher signals its processes one by one; one that stopped a step early would leave the rest waiting.
        received = torch.tensor(self.received or 0, device=args.device)
        torch.distributed.all_reduce(received, torch.distributed.ReduceOp.MAX)
        self.received = int(received) or None
        return self.received is not None
