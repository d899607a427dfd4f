"""The Hugging Face Trainer as this project uses it: arguments, a row order that resumes exactly, failures, signals."""

import logging
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model
from torch.utils.data import Sampler
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations import TensorBoardCallback, get_available_reporting_integrations
from transformers.trainer_utils import denumpify_detensorize

from bbc_classifier.config import MAX_EPOCHS, TrainArguments
from bbc_classifier.errors import EnvironmentFailure, Interrupted, TrainingDivergedError, UserError
from bbc_classifier.evaluation.metrics import metric_names, validation_metrics
from bbc_classifier.inference.classifier import choose_precision, max_plain_tokens
from bbc_classifier.io import is_disk_full
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training.run_dir import CHECKPOINT_PREFIX, TRAINER_STATE

logger = logging.getLogger(__name__)
ComputeMetrics = Callable[[EvalPrediction], dict[str, float]]
# Options of transformers.TrainingArguments that cannot work here, and why.
UNSUPPORTED = {
    "remove_unused_columns": "the rows of a text and of its excerpts are items of one column",
    "auto_find_batch_size": "a resumed run must take the same batches; set --per_device_train_batch_size",
    "batch_eval_metrics": "metrics need the outputs of all validation rows",
    "prediction_loss_only": "metrics need the outputs of all validation rows",
    "dataloader_drop_last": "it would leave out validation rows too",
    "save_only_model": "a checkpoint without the optimizer cannot be resumed",
    "bf16": "use --precision",
    "fp16": "use --precision",
}
# A normal training starts with a gradient norm below 100. One this large, clipped to 1, leaves most weights unchanged.
MAX_FIRST_GRADIENT_NORM = 1e4
# After this many steps an encoder that is trained has moved, by far more than this share of its weights.
MIN_STEPS_TO_MOVE, MIN_WEIGHT_CHANGE = 10, 1e-6
# A training that takes longer than this is announced, after so many steps.
LONG_TRAINING_S, STEPS_TO_ESTIMATE = 180, 20


@dataclass(frozen=True)
class TokenizedRows:
    """The texts of a split, followed by their excerpts if there are any.

    Token ids, labels as (rows,) indices or (rows, labels) bool, which rows were cut, and each row's text by number.
    """

    input_ids: list[list[int]]
    labels: np.ndarray
    truncated: list[bool]
    text_numbers: list[int]

    def first(self, number: int) -> "TokenizedRows":
        """Return the first rows."""
        return TokenizedRows(*(getattr(self, field.name)[:number] for field in fields(self)))

    def as_dataset(self) -> list[dict[str, Any]]:
        """Return the items that the Trainer makes batches of: the rows of each text, and those of all its excerpts."""
        labels = self.labels.astype(np.float32 if self.labels.ndim == 2 else np.int64).tolist()
        items: dict[tuple[bool, int], list[dict[str, Any]]] = {}
        num_texts = 1 + max(self.text_numbers, default=-1)
        for row, number in enumerate(self.text_numbers):
            item = {"input_ids": self.input_ids[row], "labels": labels[row]}
            items.setdefault((row >= num_texts, number), []).append(item)
        return [{"rows": rows} for rows in items.values()]


class RowCollator(DataCollatorWithPadding):
    """Pads the rows of a batch of items (`TokenizedRows.as_dataset`)."""

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return `input_ids`, `attention_mask` (rows, tokens) and `labels`."""
        return super().__call__([row for item in features for row in item["rows"]])


def training_arguments(args: TrainArguments, output_dir: Path) -> TrainingArguments:
    """Return the Trainer's arguments from the options that `resolve_recipe` filled; it writes to `output_dir`."""
    for name, reason in UNSUPPORTED.items():
        if args.trainer_kwargs.get(name) or name in {"bf16", "fp16"} & args.trainer_kwargs.keys():
            raise UserError(f"--{name} is not supported: {reason}")
    trackers = get_available_reporting_integrations()
    for name in set(args.report_to) - {"none", "all", *trackers}:
        raise UserError(f"--report_to: '{name}' is not installed; installed: {', '.join(trackers) or 'none'}")
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    device = "cpu" if args.use_cpu or accelerator is None else accelerator.type
    precision = choose_precision(args.precision or "auto", device)
    names = {entry.name for entry in fields(TrainingArguments)}
    values = {entry.name: getattr(args, entry.name) for entry in fields(args) if entry.name in names}
    values |= {
        "output_dir": str(output_dir),
        "label_smoothing_factor": 0.0,  # the model's loss has it
        "push_to_hub": False,  # the finished run is published, not its checkpoints
        "hub_token": None,
        "use_cpu": device == "cpu",
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "dataloader_pin_memory": device == "cuda",
        "full_determinism": device == "cuda" if args.full_determinism is None else args.full_determinism,
        # With a seed of its own the order of rows depends on nothing drawn before training, so resuming repeats it.
        "data_seed": args.seed if args.data_seed is None else args.data_seed,
        # The other orders are `LengthGroupedSampler`; the Trainer's own would also reorder the validation rows.
        "train_sampling_strategy": "sequential" if args.train_sampling_strategy == "sequential" else "random",
        # The Trainer counts the best checkpoint too, and deletes the last one at the end if the limit is 1.
        "save_total_limit": args.save_total_limit + 1,
        "restore_callback_states_from_checkpoint": True,
        "ddp_find_unused_parameters": False,
        "logging_nan_inf_filter": False,
        "remove_unused_columns": False,  # the collator reads rows out of items
    }
    try:
        arguments = TrainingArguments(**values | args.trainer_kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(f"training options: {error}") from error
    arguments.mixed_precision = precision.replace("fp32", "no")  # else a configuration of accelerate would decide
    if arguments.n_gpu > 1:
        # The Trainer would use DataParallel, which multiplies the batch and leaves out mixed precision.
        logger.warning("training on one of %d GPUs; torchrun or accelerate launch use all", arguments.n_gpu)
        arguments._n_gpu = 1
    return arguments


def validate_metric(name: str, multi_label: bool) -> None:
    """Raise a UserError if `--metric_for_best_model` does not exist for this kind of data."""
    names = ("loss", *metric_names(multi_label))
    if name.removeprefix("eval_") not in names:
        raise UserError(f"--metric_for_best_model: '{name}' does not exist for these data; use {', '.join(names)}")


class LengthGroupedSampler(Sampler[int]):
    """Yields every row once per epoch, so that a batch of `batch_size` rows holds rows of similar length.

    Rows are shuffled, cut into pools, sorted by length within each pool, and the batches of all pools are shuffled.
    With equal lengths that is a random order. The order depends on `seed` and on what `epoch` returns only, so a
    resumed run sees the rows that it would have seen; the library's sampler draws from the global random state.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, epoch: Callable[[], int]):
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, epoch
        self.pool_size = 50 * batch_size

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch())
        shuffled = torch.randperm(len(self.lengths), generator=generator).tolist()
        batches: list[list[int]] = []
        for start in range(0, len(shuffled), self.pool_size):
            pool = sorted(shuffled[start : start + self.pool_size], key=lambda row: -self.lengths[row])
            batches += [pool[row : row + self.batch_size] for row in range(0, len(pool), self.batch_size)]
        # A short batch, of the last pool, stays last; anywhere else it would shift the batches after it.
        full = len(shuffled) // self.batch_size
        for number in [*torch.randperm(full, generator=generator).tolist(), *range(full, len(batches))]:
            yield from batches[number]


class FailureCheck(TrainerCallback):
    """Raises a TrainingDivergedError if a logged loss or gradient norm is NaN, infinite, or at first too large."""

    def on_step_end(self, args, state, control, **kwargs):
        """Log the first step, whose gradient norm is checked, and the last one, so that no broken model is saved."""
        control.should_log |= state.global_step in (1, state.max_steps)

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


def weight_changes(before: dict[str, torch.Tensor], model: torch.nn.Module) -> dict[str, float]:
    """Return ||w - w_before|| / ||w_before|| of the embeddings, of each layer, of a pooler or pooling and of the head.

    `before` has the tensors of `model.named_parameters()`. Where all weights were 0 it is the norm of the change.
    """
    sums: dict[str, list[float]] = {}
    for name, parameter in model.named_parameters():
        number = re.search(r"\.(\d+)\.", name)
        parts = name.split(".")
        group = "head" if parts[0] == "classifier" else parts[0] if parts[0] != "encoder" else parts[1]
        group = f"layer {number[1]}" if number and parts[0] == "encoder" else group
        group = "shared" if group == "encoder" else group  # such as MPNet's table of relative positions
        total = sums.setdefault(group, [0.0, 0.0])
        total[0] += float((parameter.detach() - before[name]).cpu().double().square().sum())
        total[1] += float(before[name].cpu().double().square().sum())
    return {group: math.sqrt(change / (norm or 1.0)) for group, (change, norm) in sums.items()}


def validate_training(changes: dict[str, float], trainer: Trainer) -> None:
    """Raise a TrainingDivergedError if no part of the encoder changed more than by weight decay and rounding."""
    args, steps = trainer.args, trainer.state.global_step
    # Decay alone shrinks weights by the sum of the learning rates, which most schedules halve.
    share = 1.1 if "constant" in args.lr_scheduler_type else 0.6
    explained = max(MIN_WEIGHT_CHANGE, share * args.learning_rate * args.weight_decay * steps)
    moved = max((change for group, change in changes.items() if group != "head"), default=math.inf)
    is_trained = any(parameter.requires_grad for parameter in trainer.model.encoder.parameters())
    if is_trained and steps >= MIN_STEPS_TO_MOVE and moved <= explained:
        raise TrainingDivergedError(
            f"after {steps} steps the encoder's weights have changed by a share of {moved:.1e} at most: nothing was "
            "trained. Raise --learning_rate, or use --head_init random; --num_train_epochs 0 keeps the encoder frozen"
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
        if args.world_size == 1:
            return self.received is not None
        received = torch.tensor(self.received or 0, device=args.device)
        torch.distributed.all_reduce(received, torch.distributed.ReduceOp.MAX)
        # A signal that arrives during the reduction is noted for the next step.
        self.received = int(received) or self.received
        return bool(received)


class TimeEstimate(TrainerCallback):
    """Says once, after a few steps, how long a training takes if that is long, or `num_trainings` like it."""

    def __init__(self, num_trainings: int = 1):
        self.num_trainings, self.num_steps, self.started = num_trainings, 0, 0.0

    def on_step_end(self, args, state, control, **kwargs):
        """Measure from the end of the first step of this process."""
        self.num_steps += 1
        self.started = self.started or time.perf_counter()
        if self.num_steps == STEPS_TO_ESTIMATE and state.is_world_process_zero:
            per_step = (time.perf_counter() - self.started) / (STEPS_TO_ESTIMATE - 1)
            left = per_step * (self.num_trainings * state.max_steps - state.global_step)
            if left > LONG_TRAINING_S:
                what = "training takes" if self.num_trainings == 1 else f"{self.num_trainings} trainings like this take"
                advice = "--recipe quick takes seconds" if args.use_cpu else "--max_length 128 is faster"
                logger.warning("%s about %.0f more minutes; %s", what, left / 60, advice)


class Progress(ProgressCallback):
    """A progress bar with the training loss and the metrics of each validation during training."""

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


class ClassifierTrainer(Trainer):
    """The Trainer with a row order that resumes exactly, our metrics, and the callbacks that the options ask for.

    `trainer_args` are the `training_arguments` of `args`. Metrics and callbacks of the caller come in addition to ours.
    """

    def __init__(
        self,
        model: PooledEncoderForSequenceClassification,
        tokenizer: PreTrainedTokenizerBase,
        trainer_args: TrainingArguments,
        args: TrainArguments,
        train: TokenizedRows,
        validation: TokenizedRows,
        *,
        compute_metrics: ComputeMetrics | None = None,
        callbacks: Sequence[TrainerCallback | type[TrainerCallback]] = (),
    ):
        def metrics(prediction: EvalPrediction) -> dict[str, float]:
            ours = validation_metrics(prediction.label_ids, prediction.predictions, model.config.is_multi_label)
            # The Trainer's own loss counts the rows twice that fill the last batch of several processes.
            return {**ours, "loss": ours["log_loss"], **(compute_metrics(prediction) if compute_metrics else {})}

        items = train.as_dataset()
        if args.trains_encoder:
            batch_size = trainer_args.train_batch_size * trainer_args.gradient_accumulation_steps
            steps = math.ceil(len(items) / (batch_size * trainer_args.world_size))
            epochs = math.ceil((args.min_steps or 0) / steps)
            trainer_args.num_train_epochs = max(trainer_args.num_train_epochs, min(epochs, MAX_EPOCHS))
            is_single = trainer_args.num_train_epochs <= 1 and trainer_args.max_steps <= 0
            uses_it = trainer_args.load_best_model_at_end or trainer_args.save_strategy == "best"
            # A tracker ends with the training, before `train` logs the validation of the calibration in place of this.
            if is_single and trainer_args.eval_strategy == "epoch" and not (uses_it or trainer_args.report_to):
                trainer_args.eval_strategy = "no"
        super().__init__(
            model=model,
            args=trainer_args,
            train_dataset=items,
            eval_dataset=validation.as_dataset(),
            processing_class=tokenizer,
            data_collator=RowCollator(tokenizer, pad_to_multiple_of=None if trainer_args.use_cpu else 8),
            compute_metrics=metrics,
            callbacks=[*callbacks, FailureCheck()],
        )
        self.sampling_strategy = args.train_sampling_strategy
        if args.early_stopping_patience and args.load_best_model_at_end:
            self.add_callback(EarlyStoppingCallback(args.early_stopping_patience))
        if not any(isinstance(callback, TimeEstimate) for callback in callbacks):
            self.add_callback(TimeEstimate())
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        if not args.disable_tqdm:
            self.add_callback(Progress())
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, TensorBoardCallback):  # its default is the directory of checkpoints
                callback.logging_dir = callback.logging_dir or str(Path(trainer_args.output_dir).with_name("logs"))

    def log_validation(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Log the metrics of the validation rows, (rows, labels) and (rows,), if the Trainer did not evaluate them."""
        if self.args.eval_strategy == "no":
            labels = labels.astype(np.float32 if labels.ndim == 2 else np.int64)  # as the Trainer has them
            metrics = denumpify_detensorize(self.compute_metrics(EvalPrediction(logits, labels)))
            metrics = {f"eval_{name.removeprefix('eval_')}": value for name, value in metrics.items()}
            self.log(metrics)
            self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Return an order of the training rows that a resumed run repeats."""
        args = self.args
        if self.sampling_strategy == "sequential":
            return super()._get_train_sampler(train_dataset)
        lengths = [0] * len(self.train_dataset)
        if self.sampling_strategy == "group_by_length":
            lengths = [max(len(row["input_ids"]) for row in item["rows"]) for item in self.train_dataset]
        step_rows = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        return LengthGroupedSampler(lengths, step_rows, args.data_seed, lambda: int(self.state.epoch or 0))


def restore_finished_training(trainer: Trainer, checkpoint: Path | None) -> bool:
    """Load what a training ended with before its run was evaluated; return False if steps remain.

    The Trainer itself would take one more step.
    """
    # Another run, from whose checkpoint this one starts, may have had fewer steps.
    if checkpoint is None or checkpoint.parent.resolve() != Path(trainer.args.output_dir).resolve():
        return False
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE))
    if not state.stateful_callbacks["TrainerControl"]["args"]["should_training_stop"]:
        return False
    best = checkpoint.with_name(f"{CHECKPOINT_PREFIX}{state.best_global_step}")
    keeps_best = trainer.args.load_best_model_at_end and best.is_dir()
    load_model(trainer.model, (best if keeps_best else checkpoint) / "model.safetensors")
    trainer.state = state
    return True


@contextmanager
def training_attention(
    model: PooledEncoderForSequenceClassification, precision: str, max_length: float | None
) -> Iterator[str]:
    """Use `half_precision_attention` in place of torch's fused kernel where its steps are faster; yield what is used.

    `max_length` is the number of tokens of the longest input, None if there is no limit.
    """
    implementation = model.encoder.config._attn_implementation
    is_short = (max_length or math.inf) <= max_plain_tokens(training=True)
    if implementation == "sdpa" and model.device.type == "cpu" and precision == "bf16" and is_short:
        model.encoder.set_attn_implementation("half_precision")
    yield model.encoder.config._attn_implementation
    model.encoder.set_attn_implementation(implementation)


@contextmanager
def explained_failures(args: TrainingArguments) -> Iterator[None]:
    """Raise an EnvironmentFailure that says what to do when memory or disk space runs out during training."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise EnvironmentFailure(
                "out of memory; lower --per_device_train_batch_size or --train_max_length, add "
                "--gradient_checkpointing true, or, in a validation, lower --per_device_eval_batch_size"
            ) from error
        if is_disk_full(error):
            raise EnvironmentFailure(
                f"no space left on the disk for '{args.output_dir}'; free some, then run the same command with "
                "--resume_from_checkpoint"
            ) from error
        raise
