"""The Trainer's arguments by device and option, the order of rows, and callbacks without a training."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments, resolve_recipe
from bbc_classifier.errors import EnvironmentFailure, TrainingDivergedError, UserError
from bbc_classifier.inference.classifier import choose_precision
from bbc_classifier.training import trainer
from bbc_classifier.training.train import warn_if_single_process
from tests.model.conftest import ragged_batch
from tests.tiny import tiny_classifier


def arguments(tmp_path: Path, trainer_kwargs=None, **options):
    training = TrainArguments(trainer_kwargs=trainer_kwargs or {}, **options)
    filled = resolve_recipe(ModelArguments(recipe="standard"), DataArguments(), training)
    return trainer.training_arguments(filled[2], tmp_path)


@pytest.mark.parametrize(
    ("requested", "device", "capabilities", "expected"),
    [
        *(("auto", "cpu", capabilities, "fp32") for capabilities in ({}, {"avx2": True, "amx_bf16": False})),
        *(("auto", "cpu", {name: True}, "bf16") for name in ("avx512_bf16", "amx_bf16")),
        *(("auto", "mps", {}, "fp32"), ("bf16", "cpu", {}, "bf16"), ("fp32", "cuda", {}, "fp32")),
    ],
)
def test_precision_is_the_fastest_that_is_safe(monkeypatch, requested, device, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision(requested, device) == expected


def test_options_and_recipe_reach_the_trainer(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    options = {"label_smoothing_factor": 0.1, "hub_token": "secret", "push_to_hub": True}
    args = arguments(tmp_path, seed=7, use_cpu=True, trainer_kwargs={"eval_steps": 7}, **options)
    assert (args.learning_rate, args.num_train_epochs, args.warmup_steps, args.weight_decay) == (2e-5, 3, 0.1, 0.01)
    assert (args.seed, args.data_seed, args.use_cpu, args.full_determinism, args.eval_steps) == (7, 7, True, False, 7)
    assert arguments(tmp_path, precision="fp32", use_cpu=True).mixed_precision == "no"
    assert (args.label_smoothing_factor, args.hub_token, args.push_to_hub) == (0, None, False)  # not the Trainer's
    assert (args.metric_for_best_model, args.greater_is_better) == ("macro_f1", True)
    assert arguments(tmp_path, metric_for_best_model="log_loss").greater_is_better is False


def test_options_that_cannot_work_are_refused_by_name(tmp_path):
    for name in ("auto_find_batch_size", "batch_eval_metrics", "bf16", "nonsense"):
        with pytest.raises(UserError, match=name):
            arguments(tmp_path, {name: True})
    with pytest.raises(UserError, match="--report_to: 'wandbb'"):
        arguments(tmp_path, report_to=["wandbb"])
    with pytest.raises(UserError, match="--precision fp16"):
        choose_precision("fp16", "cpu")
    trainer.validate_metric("eval_accuracy", multi_label=False)
    trainer.validate_metric("loss", multi_label=True)
    for name, multi_label in (("mcc", False), ("accuracy", True), ("micro_f1", False)):
        with pytest.raises(UserError, match=f"--metric_for_best_model: '{name}'"):
            trainer.validate_metric(name, multi_label)


@pytest.mark.parametrize("rows", [1, 7, 64, 533])
def test_sampler_yields_every_row_once_in_an_order_of_seed_and_epoch(rows):
    lengths = [1 + row * 37 % 50 for row in range(rows)]

    def order(seed: int = 3, epoch: int = 0) -> list[int]:
        return list(trainer.LengthGroupedSampler(lengths, 8, seed, lambda: epoch))

    first = order()
    torch.manual_seed(99)
    assert order() == first
    assert sorted(first) == sorted(order(epoch=1)) == list(range(rows))
    if rows > 8:
        assert order(epoch=1) != first != order(seed=4)
    batches = list(zip(*[iter([lengths[row] for row in first])] * 8, strict=False))
    if rows > 100:
        assert sum(max(batch) - min(batch) for batch in batches) / len(batches) < 10  # of 49 in a random order


@pytest.mark.parametrize(
    ("logs", "step", "fp16", "fails"),
    [
        ({"loss": float("nan")}, 7, False, True),
        ({"eval_loss": float("inf")}, 7, False, True),
        ({"grad_norm": 1.1e4}, 1, False, True),
        ({"grad_norm": 9e3}, 1, False, False),
        ({"grad_norm": 1.1e4}, 2, False, False),
        ({"grad_norm": float("inf")}, 1, True, False),  # the gradient scaler skips such a step
        ({"train_runtime": 3.0}, 1, False, False),
    ],
)
def test_unusable_numbers_stop_the_training(tmp_path, logs, step, fp16, fails):
    args, state, control = arguments(tmp_path), TrainerState(global_step=step), TrainerControl()
    args.fp16 = fp16
    trainer.FailureCheck().on_step_end(args, state, control)
    assert control.should_log == (step == 1)
    with pytest.raises(TrainingDivergedError) if fails else nullcontext():
        trainer.FailureCheck().on_log(args, state, control, logs=logs)


def test_a_launcher_that_started_one_process_of_several_is_noticed(monkeypatch, caplog):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    warn_if_single_process()
    assert not caplog.text
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    warn_if_single_process()
    assert "torchrun" in caplog.text


def test_full_memory_is_a_sentence(tmp_path):
    args, option = arguments(tmp_path), "--per_device_train_batch_size.*--per_device_eval_batch_size"
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("CPU: can't allocate memory")):
        with pytest.raises(EnvironmentFailure, match=option), trainer.explained_failures(args):
            raise error


@torch.inference_mode()
def test_half_precision_attention_answers_as_the_fused_kernel_and_is_used_where_it_is_faster(monkeypatch):
    model = tiny_classifier(pooling="mean")
    expected = model(**ragged_batch()).logits
    for has_amx, length in ((True, 256), (True, 257), (False, 512), (False, 513)):
        monkeypatch.setattr("bbc_classifier.inference.classifier.cpu_has", lambda _, has_amx=has_amx: has_amx)
        with trainer.training_attention(model, "bf16", length) as implementation:
            assert implementation == ("half_precision" if length in (256, 512) else "sdpa")
            torch.testing.assert_close(model(**ragged_batch()).logits, expected)
    assert model.encoder.config._attn_implementation == "sdpa"
