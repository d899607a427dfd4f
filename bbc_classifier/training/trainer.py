"""The Trainer as this project composes it: our sampler, our loss, our validation figures, no silent NaN."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Sampler, SequentialSampler
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
)
from transformers.trainer_utils import TrainOutput

from bbc_classifier.data.length_grouped_sampler import LengthGroupedSampler
from bbc_classifier.errors import Diverged, InputError
from bbc_classifier.evaluation.problem import Problem
from bbc_classifier.inference.unusable_values import usable_values
from bbc_classifier.memory import memory_for
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.checkpoints import Checkpoints, seal
from bbc_classifier.training.going_on import refuse_damaged_best
from bbc_classifier.training.interruption import StopOnSignal
from bbc_classifier.training.non_finite_loss import StopOnNonFiniteLoss, refuse_non_finite
from bbc_classifier.training.progress import Progress
from bbc_classifier.training.start import Start


class ClassifierTrainer(Trainer):
    """The Trainer with a length-grouped sampler that resumes exactly, and validation in the data's order."""

    args: ClassifierTrainingArguments
    progress: Progress | None = None
    row_ids: Sequence[str] = ()
    keep: int | None = None
    computes = False

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> TrainOutput:
        """Train, from a checkpoint's state where one is given.

        Raises:
            InputError: A file of the checkpoint is a pickle of something else than a state; nothing of it was run.
        """
        try:
            return super().train(resume_from_checkpoint, *args, **kwargs)
        except UnpicklingError as error:
            raise InputError(
                f"--resume_from_checkpoint: '{resume_from_checkpoint}' cannot be gone on from: one of its files holds "
                "more than tensors and numbers, and was not opened"
            ) from error
        finally:
            if self.progress is not None:
                self.progress.close()

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Take one step, unless its loss is no number."""
        step = self.state.global_step + 1
        rows, tokens = inputs["input_ids"].shape
        # What a model cannot be computed with shows at once; what fails later is not its files' fault.
        values = nullcontext() if self.computes else usable_values("the model")
        with memory_for(f"step {step}, on {rows} rows of {tokens} tokens", smaller_batches(self.args)), values:
            loss = super().training_step(model, inputs, num_items_in_batch)
        self.computes = True
        refuse_non_finite(loss, step, inputs, self.train_dataset, self.row_ids, self.args)
        return loss

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[torch.Tensor | None, Any, Any]:
        """Return no loss of the batch: averaged over processes it would count the rows that pad the last batch twice.

        What validation returns has the loss of every row, once.
        """
        rows, tokens = inputs["input_ids"].shape
        instead = f"lower --per_device_eval_batch_size (now {self.args.per_device_eval_batch_size}) or --max_length"
        with memory_for(f"validation, on {rows} rows of {tokens} tokens", instead):
            _, logits, labels = super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        return None, logits, labels

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        checkpoints = Checkpoints(Path(str(self.args.output_dir)))
        with checkpoints.written_whole(self.state.global_step):
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                seal(checkpoints.at(self.state.global_step))
        if self.args.should_save:
            # An older checkpoint goes only once the new one is whole.
            checkpoints.keep(self.keep, self.state.best_model_checkpoint)

    def _load_best_model(self) -> None:
        refuse_damaged_best(Path(str(self.state.best_model_checkpoint)))
        super()._load_best_model()

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler | None:
        rows = train_dataset if train_dataset is not None else self.train_dataset
        strategy = self.args.train_sampling_strategy
        if strategy == "group_by_length":
            batch_size = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
            return LengthGroupedSampler([len(row["input_ids"]) for row in rows], batch_size, self.args.shuffle_seed)
        return SequentialSampler(rows) if strategy == "sequential" else super()._get_train_sampler(rows)

    def _get_eval_sampler(self, eval_dataset: Any) -> Sampler:
        # The library groups validation rows by length too, and its predictions are then out of order.
        return SequentialSampler(eval_dataset)


def smaller_batches(arguments: ClassifierTrainingArguments) -> str:
    """Return what helps a training that needs too much memory, what changes its result least, first."""
    batch, times = arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps
    halved = (
        f"--per_device_train_batch_size {batch // 2} --gradient_accumulation_steps {2 * times} for the same steps "
        f"(now {batch} and {times}), "
        if batch > 1
        else ""
    )
    return f"try {halved}--gradient_checkpointing true, a lower --max_length, or a smaller --encoder"


def build_trainer(start: Start, arguments: ClassifierTrainingArguments, stop: StopOnSignal) -> ClassifierTrainer:
    """Compose the Trainer over the encoded rows of what training starts with; a signal can stop it."""
    progress = Progress()
    callbacks: list[TrainerCallback] = [StopOnNonFiniteLoss(), progress, stop]
    if arguments.early_stopping_patience > 0 and arguments.load_best_model_at_end:
        callbacks.append(EarlyStoppingCallback(arguments.early_stopping_patience))
    trainer = ClassifierTrainer(
        model=start.model,
        args=arguments,
        train_dataset=start.rows("train"),
        eval_dataset=start.rows("validation"),
        processing_class=start.tokenizer,
        data_collator=DataCollatorWithPadding(start.tokenizer, pad_to_multiple_of=None if arguments.use_cpu else 8),
        compute_metrics=partial(validation_metrics, start.problem),
        callbacks=callbacks,
    )
    # The Trainer's own rotation deletes before the new checkpoint is sealed, and at the end all but the best one: a
    # process that is killed while it evaluates would go on from there.
    trainer.keep, arguments.save_total_limit = arguments.save_total_limit, None
    trainer.progress = progress
    trainer.row_ids = start.articles.side("train")["row_id"][:]
    # Smoothing is the model's own, beside its class weights; the Trainer's would replace the model's loss.
    trainer.label_smoother = None
    for default in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(default)
    return trainer


def validation_metrics(problem: Problem, prediction: EvalPrediction) -> dict[str, float]:
    """Return the problem's figures, the loss among them, from the logits and labels of every validation row.

    Raises:
        Diverged: A logit is no number.
    """
    logits, targets = np.asarray(prediction.predictions, dtype=np.float64), np.asarray(prediction.label_ids)
    if not np.isfinite(logits).all():
        raise Diverged("the outputs are no longer numbers; lower --learning_rate or use --precision fp32")
    figures = problem.validation_metrics(targets, logits)
    return {**figures, "loss": figures["log_loss"]}
