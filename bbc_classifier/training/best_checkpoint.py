"""The checkpoint that validated best: found beside the others wherever the run lies, and loaded only while whole."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bbc_classifier.errors import WorldError
from bbc_classifier.training.checkpoints import Checkpoints, fault_of


class BestBesideTheOthers(TrainerCallback):
    """Tells a run that goes on where its best checkpoint is.

    The Trainer notes a path, and forgets the best checkpoint where that path leads nowhere: of a run that was moved, or
    is called by another name, it would silently keep the last weights instead.
    """

    def __init__(self, checkpoint: str):
        self._checkpoint = Path(checkpoint)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the path that it has now."""
        best = Checkpoints(self._checkpoint.parent).best_until(self._checkpoint)
        state.best_model_checkpoint = None if best is None else str(best)


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
