"""What a run that goes on takes over besides weights and optimizer, so that it ends as if it had not stopped.

The Trainer restores its own state, and leaves out three things: where the best checkpoint is once the run was moved,
how many validations early stopping has been waiting for, and that a training can have ended before its process did.
"""

from pathlib import Path
from typing import Any

from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from bbc_classifier.errors import WorldError
from bbc_classifier.records import read_json
from bbc_classifier.training.checkpoints import Checkpoints, fault_of
from bbc_classifier.training.trainer_state import STATE


class TakenOver(TrainerCallback):
    """Tells a run that goes on where its best checkpoint is, and how often it logs, validates and saves.

    The Trainer notes a path, and forgets the best checkpoint where that path leads nowhere: of a run that was moved, or
    is called by another name, it would silently keep the last weights instead. What it notes of the intervals it takes
    from there too, where the options say the same and cannot be damaged.
    """

    def __init__(self, checkpoint: Path):
        self._best = Checkpoints(checkpoint.parent).best_until(checkpoint)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the path that it has now, and the intervals of the options."""
        state.compute_steps(args, state.max_steps)
        state.best_model_checkpoint = None if self._best is None else str(self._best)


def take_over(trainer: Trainer, checkpoint: Path) -> None:
    """Hand a Trainer what it does not restore by itself when it goes on from a checkpoint."""
    trainer.add_callback(TakenOver(checkpoint))
    said = read_json(checkpoint / STATE)["stateful_callbacks"].get(EarlyStoppingCallback.__name__)
    for callback in trainer.callback_handler.callbacks:
        if said and isinstance(callback, EarlyStoppingCallback):
            callback.early_stopping_patience_counter = said["attributes"]["early_stopping_patience_counter"]


def had_ended(checkpoint: Path) -> bool:
    """Whether a checkpoint was written where its training ended: at the last step, or stopped early."""
    return bool(read_json(checkpoint / STATE)["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"])


def take_the_end(trainer: Trainer, checkpoint: Path) -> None:
    """Put a training's end into the Trainer, which would otherwise take a step more than it should."""
    trainer.state = TrainerState.load_from_json(str(checkpoint / STATE))
    best = Checkpoints(checkpoint.parent).best_until(checkpoint) if trainer.args.load_best_model_at_end else None
    trainer.state.best_model_checkpoint = None if best is None else str(best)
    trainer._load_from_checkpoint(str(best or checkpoint))


def refuse_damaged_best(best: Path) -> None:
    """Check that the weights which a training ends with are those that were validated.

    Raises:
        WorldError: A file of the checkpoint is not as it was written.
    """
    if fault := fault_of(best):
        raise WorldError(
            f"{best.name}, which validated best, is damaged: {fault}; train again with --resume_from_checkpoint, which "
            "goes on from one before it, or with --overwrite where there is none"
        )
