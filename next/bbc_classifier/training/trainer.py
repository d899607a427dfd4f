"""The Hugging Face Trainer as this project uses it: its arguments, exact resuming and validation, clear failures.

Only public methods of the Trainer are overridden: `get_train_dataloader`, `get_eval_dataloader`, `training_step` and
`prediction_step`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_model
from torch import nn
from torch.utils.data import DataLoader, Sampler
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
from transformers.integrations import TensorBoardCallback, get_available_reporting_integrations

from bbc_classifier.config import TrainArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.evaluation.metrics import metric_names, validation_metrics
from bbc_classifier.io import is_disk_full
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training.callbacks import FailureCheck, Progress, check_finite
from bbc_classifier.training.run_dir import CHECKPOINT_PREFIX, TRAINER_STATE

ComputeMetrics = Callable[[EvalPrediction], dict[str, float]]
# Options of transformers.TrainingArguments that cannot work here, and why.
UNSUPPORTED = {
    "prediction_loss_only": "the outputs for the validation rows choose the checkpoint",
    "batch_eval_metrics": "metrics are computed over all validation rows",
    "auto_find_batch_size": "a resumed run must take the same batches; set --per_device_train_batch_size",
    "save_only_model": "a checkpoint without the optimizer cannot be resumed",
    "bf16": "use --precision bf16",
    "fp16": "use --precision fp16",
}
# The model's loss has the smoothing; the rest concerns the run, not the Trainer.
OWN_OPTIONS = {"label_smoothing_factor", "resume_from_checkpoint", "push_to_hub", "hub_model_id", "hub_private_repo"}
OWN_OPTIONS |= {"hub_revision", "hub_token"}
OUT_OF_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED", "bad_alloc")


class TokenizedRows(NamedTuple):
    """The rows of a split: token ids, labels as (rows,) indices or (rows, labels) bool, and which texts were cut."""

    input_ids: list[list[int]]
    labels: np.ndarray
    truncated: list[bool]

    def as_dataset(self) -> list[dict[str, Any]]:
        """Return the rows as the Trainer takes them."""
        labels = self.labels.astype(np.float32 if self.labels.ndim == 2 else np.int64).tolist()
        return [{"input_ids": ids, "labels": label} for ids, label in zip(self.input_ids, labels, strict=True)]


def training_arguments(args: TrainArguments, output_dir: Path) -> TrainingArguments:
    """Return the Trainer's arguments: our options, defaults that depend on the device, and `args.trainer_kwargs`.

    Args:
        args: The options, filled by `resolve_recipe`.
        output_dir: Where the Trainer writes checkpoints.

    Raises:
        UserError: An option is unknown, not supported or out of range, or a tracker is not installed.
    """
    for name, reason in UNSUPPORTED.items():
        if args.trainer_kwargs.get(name):
            raise UserError(f"--{name} is not supported: {reason}")
    installed = get_available_reporting_integrations()
    for name in args.report_to:
        if name not in ("none", "all", *installed):
            raise UserError(
                f"--report_to: '{name}' is unknown or its package is not installed; installed: "
                f"{', '.join(installed) or 'none'}"
            )
    device = device_type(args.use_cpu)
    precision = choose_precision(args.precision or "auto", device)
    names = {entry.name for entry in fields(TrainingArguments)} - OWN_OPTIONS
    values = {entry.name: getattr(args, entry.name) for entry in fields(args) if entry.name in names}
    values |= {
        "output_dir": str(output_dir),
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
    }
    try:
        return TrainingArguments(**values | args.trainer_kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(f"training options: {error}") from error


def validate_metric(name: str, multi_label: bool) -> None:
    """Raise a UserError if `--metric_for_best_model` does not exist for this kind of data."""
    names = ("loss", *metric_names(multi_label))
    if name.removeprefix("eval_") not in names:
        kind = "multi-label" if multi_label else "single-label"
        raise UserError(f"--metric_for_best_model: '{name}' is not a metric of {kind} data; use {', '.join(names)}")


def device_type(use_cpu: bool = False) -> str:
    """Return the type of the accelerator, such as "cuda", or "cpu" if there is none or `use_cpu` is set."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return "cpu" if use_cpu or accelerator is None else accelerator.type


def choose_precision(requested: str, device: str) -> str:
    """Return "fp32", "bf16" or "fp16": the requested one, or for "auto" the fastest that is safe on the device.

    A processor without bf16 instructions (AVX512-BF16 or AMX) emulates it, twenty times slower than fp32.

    Raises:
        UserError: fp16 on a CPU, where the Trainer would silently stay in fp32.
    """
    if requested == "fp16" and device == "cpu":
        raise UserError("--precision fp16 needs a GPU; on a CPU use fp32, or bf16 if the processor has it")
    if requested != "auto":
        return requested
    if device == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    capabilities = torch.cpu.get_capabilities() if device == "cpu" and hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"


class LengthGroupedSampler(Sampler[int]):
    """Yields every row once per epoch, so that a batch of `batch_size` rows holds rows of similar length.

    Rows are shuffled, cut into pools, sorted by length within each pool, and the batches of all pools are shuffled.
    With equal lengths that is a random order. The order depends on seed and epoch only, so a resumed run sees the rows that
    it would have seen; the library's sampler draws from the global random state.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, batches_per_pool: int = 50):
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.pool_size = batch_size * batches_per_pool
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        shuffled = torch.randperm(len(self.lengths), generator=generator).tolist()
        batches: list[list[int]] = []
        for start in range(0, len(shuffled), self.pool_size):
            pool = sorted(shuffled[start : start + self.pool_size], key=lambda row: -self.lengths[row])
            batches += [pool[row : row + self.batch_size] for row in range(0, len(pool), self.batch_size)]
        # A short batch stays last; anywhere else it would shift the batches after it.
        full = [batch for batch in batches if len(batch) == self.batch_size]
        for number in torch.randperm(len(full), generator=generator).tolist():
            yield from full[number]
        yield from (row for batch in batches if len(batch) < self.batch_size for row in batch)


class SetEpoch(TrainerCallback):
    """Tells a sampler the epoch: the data loader's own `set_epoch` is lost when several processes skip batches."""

    def __init__(self, sampler: LengthGroupedSampler):
        self.sampler = sampler

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the epoch that begins or is resumed."""
        self.sampler.set_epoch(int(state.epoch or 0))


class ClassifierTrainer(Trainer):
    """The Trainer with a length-grouped order that resumes exactly, and validation of every row once, in order.

    Args:
        model: The classifier.
        tokenizer: Its tokenizer, which pads batches.
        trainer_args: What `training_arguments` returned for `args`.
        args: The options.
        train: Rows to train on.
        validation: Rows that choose the checkpoint.
        compute_metrics: More metrics of the validation rows.
        callbacks: More callbacks.
        log_dir: Where TensorBoard's event files go.
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
        log_dir: Path | None = None,
    ):
        multi_label = model.config.is_multi_label

        def metrics(prediction: EvalPrediction) -> dict[str, float]:
            ours = validation_metrics(prediction.label_ids, prediction.predictions, multi_label)
            return {**ours, "loss": ours["log_loss"], **(compute_metrics(prediction) if compute_metrics else {})}

        super().__init__(
            model=model,
            args=trainer_args,
            train_dataset=train.as_dataset(),
            eval_dataset=validation.as_dataset(),
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=None if trainer_args.use_cpu else 8),
            compute_metrics=metrics,
            callbacks=[*callbacks, FailureCheck()],
        )
        self.sampling_strategy = args.train_sampling_strategy
        if args.early_stopping_patience and args.load_best_model_at_end:
            self.add_callback(EarlyStoppingCallback(args.early_stopping_patience))
        for callback in (PrinterCallback, ProgressCallback):
            self.remove_callback(callback)
        if not args.disable_tqdm:
            self.add_callback(Progress())
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, TensorBoardCallback):  # its default is the directory of checkpoints
                callback.logging_dir = callback.logging_dir or str(log_dir)

    def get_train_dataloader(self) -> DataLoader:
        """Return the batches of training rows, in an order that a resumed run repeats."""
        args = self.args
        if self.sampling_strategy == "sequential":
            loader = super().get_train_dataloader()
        else:
            is_grouped = self.sampling_strategy == "group_by_length"
            lengths = [len(row["input_ids"]) if is_grouped else 0 for row in self.train_dataset]
            step_rows = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            sampler = LengthGroupedSampler(lengths, step_rows, args.data_seed)
            self.add_callback(SetEpoch(sampler))
            loader = self._loader(self.train_dataset, args.train_batch_size, sampler, args.dataloader_drop_last)
        if len(loader) == 0:
            raise UserError(
                f"--dataloader_drop_last true leaves no batch of the {len(self.train_dataset)} training rows; lower "
                "--per_device_train_batch_size"
            )
        return loader

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader:
        """Return the batches of all validation rows, also with `dataloader_drop_last`."""
        return self._loader(self.eval_dataset if eval_dataset is None else eval_dataset, self.args.eval_batch_size)

    def _loader(
        self, rows: Any, batch_size: int, sampler: Sampler[int] | None = None, drop_last: bool = False
    ) -> DataLoader:
        args = self.args
        loader = DataLoader(
            rows,
            batch_size=batch_size,
            sampler=sampler,
            drop_last=drop_last,
            collate_fn=self.data_collator,
            num_workers=args.dataloader_num_workers,
            pin_memory=args.dataloader_pin_memory,
            prefetch_factor=args.dataloader_prefetch_factor,
        )
        return self.accelerator.prepare(loader)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Take one step.

        Raises:
            TrainingDivergedError: Its loss is NaN or infinite.
        """
        loss = super().training_step(model, inputs, num_items_in_batch)
        check_finite("loss", float(loss), self.state.global_step + 1, self.args)
        return loss

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[torch.Tensor | None, Any, Any]:
        """Return the outputs without a loss of the batch.

        Averaged over processes, that loss counts the rows that fill the last batch twice. The loss of validation is the
        log loss that `compute_metrics` returns.
        """
        _, logits, labels = super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        return None, logits, labels


def restore_finished_training(trainer: Trainer, checkpoint: Path | None) -> bool:
    """Load what a training ended with before its run was evaluated; return False if steps remain.

    The Trainer itself would take one more step.
    """
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
def explained_failures(args: TrainingArguments) -> Iterator[None]:
    """Turn an error of full memory or a full disk during training into a sentence that says what to do.

    Raises:
        EnvironmentFailure: Memory or disk space ran out.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or any(text in str(error) for text in OUT_OF_MEMORY_MESSAGES):
            batch, accumulation = args.per_device_train_batch_size, args.gradient_accumulation_steps
            raise EnvironmentFailure(
                f"out of memory while training; lower --per_device_train_batch_size (now {batch}) and raise "
                f"--gradient_accumulation_steps (now {accumulation}) by the same factor, or lower --max_length, or add "
                "--activation_checkpointing true"
            ) from error
        if is_disk_full(error):
            raise EnvironmentFailure(
                f"no space left on the disk for '{args.output_dir}'; free some, then run the same command with "
                "--resume_from_checkpoint"
            ) from error
        raise
