"""The Trainer as this project composes it: our sampler, our loss, our validation figures, no silent NaN."""

import math
from functools import partial
from typing import Any

import numpy as np
from torch.utils.data import Sampler, SequentialSampler
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from bbc_classifier.data.length_grouped_sampler import LengthGroupedSampler
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.problem import Problem
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.progress import Progress


class ClassifierTrainer(Trainer):
    """The Trainer with a length-grouped sampler that resumes exactly, and validation in the data's order."""

    args: ClassifierTrainingArguments

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


class StopOnNonFiniteLoss(TrainerCallback):
    """Stops a run whose loss is no number, instead of letting it waste hours."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Check what is logged.

        Raises:
            InputError: The training or validation loss is NaN or infinite.
        """
        for name in ("loss", "grad_norm", "eval_loss"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(float(value)):
                raise InputError(
                    f"{name} became {float(value)} at step {state.global_step}; lower --learning_rate "
                    f"(now {args.learning_rate:g}) or use --precision fp32"
                )


def build_trainer(
    model: PooledEncoderForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    arguments: ClassifierTrainingArguments,
    problem: Problem,
    train_rows: list[dict[str, object]],
    validation_rows: list[dict[str, object]],
) -> ClassifierTrainer:
    """Compose the Trainer over encoded rows."""
    callbacks: list[TrainerCallback] = [StopOnNonFiniteLoss(), Progress()]
    if arguments.early_stopping_patience > 0 and arguments.load_best_model_at_end:
        callbacks.append(EarlyStoppingCallback(arguments.early_stopping_patience))
    trainer = ClassifierTrainer(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=validation_rows,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=None if arguments.use_cpu else 8),
        compute_metrics=partial(validation_metrics, problem),
        callbacks=callbacks,
    )
    # Smoothing is the model's own, beside its class weights; the Trainer's would replace the model's loss.
    trainer.label_smoother = None
    for default in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(default)
    return trainer


def check_metric(arguments: ClassifierTrainingArguments, problem: Problem) -> None:
    """Check that the figure which chooses the checkpoint is one that this kind of classification has.

    Raises:
        InputError: It is not.
    """
    if arguments.metric_for_best_model not in ("loss", *problem.validated):
        raise InputError(
            f"--metric_for_best_model: '{arguments.metric_for_best_model}' is no figure of a {problem.problem_type}; "
            f"it has loss, {', '.join(problem.validated)}"
        )


def validation_metrics(problem: Problem, prediction: EvalPrediction) -> dict[str, float]:
    """Return the problem's figures from the logits and labels of every validation row.

    Raises:
        InputError: A logit is no number.
    """
    logits, targets = np.asarray(prediction.predictions, dtype=np.float64), np.asarray(prediction.label_ids)
    if not np.isfinite(logits).all():
        raise InputError("the outputs are no longer numbers; lower --learning_rate or use --precision fp32")
    return problem.validation_metrics(targets, logits)
