"""The Trainer's arguments by device and option, the order of rows, and callbacks without a training."""

from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments, resolve_recipe
from bbc_classifier.errors import TrainingDivergedError, UserError
from bbc_classifier.training.callbacks import FailureCheck
from bbc_classifier.training.train import warn_if_single_process
from bbc_classifier.training.trainer import (
    LengthGroupedSampler,
    choose_precision,
    training_arguments,
    validate_metric,
)

AVX2 = {"avx2": True, "avx512_bf16": False, "amx_bf16": False}


def arguments(tmp_path: Path, **options):
    kwargs = options.pop("trainer_kwargs", {})
    args = TrainArguments(trainer_kwargs=kwargs, **{"report_to": ["none"], **options})
    return training_arguments(resolve_recipe(ModelArguments(recipe="standard"), DataArguments(), args)[2], tmp_path)


@pytest.mark.parametrize(
    ("requested", "device", "capabilities", "expected"),
    [
        ("auto", "cpu", AVX2, "fp32"),
        ("auto", "cpu", {}, "fp32"),
        ("auto", "cpu", {**AVX2, "avx512_bf16": True}, "bf16"),
        ("auto", "cpu", {**AVX2, "amx_bf16": True}, "bf16"),
        ("auto", "mps", {}, "fp32"),
        ("bf16", "cpu", AVX2, "bf16"),
        ("fp32", "cuda", {}, "fp32"),
    ],
)
def test_precision_is_the_fastest_that_is_safe(monkeypatch, requested, device, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision(requested, device) == expected


def test_fp16_needs_a_gpu():
    with pytest.raises(UserError, match="--precision fp16"):
        choose_precision("fp16", "cpu")


def test_options_and_recipe_reach_the_trainer(tmp_path):
    kwargs = {"lr_scheduler_type": "cosine", "max_grad_norm": 0.5, "dataloader_num_workers": 1, "eval_steps": 7}
    args = arguments(tmp_path, seed=7, use_cpu=True, label_smoothing_factor=0.1, trainer_kwargs=kwargs)
    assert (args.learning_rate, args.num_train_epochs, args.warmup_steps, args.weight_decay) == (2e-5, 3, 0.1, 0.01)
    assert (args.seed, args.data_seed, args.use_cpu, args.full_determinism) == (7, 7, True, False)
    assert (args.lr_scheduler_type, args.max_grad_norm, args.eval_steps) == ("cosine", 0.5, 7)
    assert args.dataloader_num_workers == 1 and args.output_dir == str(tmp_path)
    assert args.label_smoothing_factor == 0  # the model's loss has it
    assert (args.metric_for_best_model, args.greater_is_better) == ("macro_f1", True)
    assert arguments(tmp_path, metric_for_best_model="log_loss").greater_is_better is False
    assert not args.dataloader_pin_memory


@pytest.mark.parametrize(
    ("kwargs", "flag"),
    [
        ({"prediction_loss_only": True}, "--prediction_loss_only"),
        ({"batch_eval_metrics": True}, "--batch_eval_metrics"),
        ({"auto_find_batch_size": True}, "--auto_find_batch_size"),
        ({"bf16": True}, "--precision bf16"),
        ({"optim": "sgdx"}, "sgdx"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_options_that_cannot_work_are_refused_by_name(tmp_path, kwargs, flag):
    with pytest.raises(UserError, match=flag):
        arguments(tmp_path, trainer_kwargs=kwargs)
    falsy = {name: False for name in kwargs if name in ("prediction_loss_only", "batch_eval_metrics", "bf16")}
    arguments(tmp_path, trainer_kwargs=falsy)


def test_unknown_tracker_and_metric_are_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="--report_to: 'wandbb'"):
        arguments(tmp_path, report_to=["wandbb"])
    validate_metric("eval_accuracy", multi_label=False)
    validate_metric("loss", multi_label=True)
    for name, multi_label in (("mcc", False), ("accuracy", True), ("micro_f1", False)):
        with pytest.raises(UserError, match=f"--metric_for_best_model: '{name}'"):
            validate_metric(name, multi_label)


@pytest.mark.parametrize("rows", [1, 7, 64, 133])
def test_sampler_yields_every_row_once_in_an_order_of_seed_and_epoch(rows):
    lengths = [1 + row * 37 % 50 for row in range(rows)]
    sampler = LengthGroupedSampler(lengths, 8, seed=3, batches_per_pool=4)
    first = list(sampler)
    torch.manual_seed(99)
    assert list(LengthGroupedSampler(lengths, 8, seed=3, batches_per_pool=4)) == first
    assert sorted(first) == list(range(rows)) and len(sampler) == rows
    sampler.set_epoch(1)
    again = list(sampler)
    assert sorted(again) == list(range(rows))
    if rows > 8:
        assert again != first != list(LengthGroupedSampler(lengths, 8, seed=4, batches_per_pool=4))
    spread = [max(batch) - min(batch) for batch in zip(*[iter([lengths[row] for row in first])] * 8, strict=False)]
    if rows > 100:
        assert sum(spread) / len(spread) < 25  # of 49 in a random order


@pytest.mark.parametrize(
    ("logs", "step", "fp16", "fails"),
    [
        ({"loss": float("nan")}, 7, False, True),
        ({"eval_loss": float("inf")}, 7, False, True),
        ({"grad_norm": float("inf")}, 1, False, True),
        ({"grad_norm": 1.1e4}, 1, False, True),
        ({"grad_norm": 1e30}, 1, False, True),
        ({"grad_norm": 9e3}, 1, False, False),
        ({"grad_norm": 1.1e4}, 2, False, False),
        ({"grad_norm": float("inf")}, 1, True, False),  # the gradient scaler skips such a step
        ({"loss": 0.1, "grad_norm": 3.0}, 1, False, False),
        ({"train_runtime": 3.0}, 1, False, False),
    ],
)
def test_unusable_numbers_stop_the_training(tmp_path, logs, step, fp16, fails):
    args = arguments(tmp_path)
    args.fp16 = fp16
    state, control = TrainerState(global_step=step), TrainerControl()
    check = FailureCheck()
    check.on_step_end(args, state, control)
    assert control.should_log == (step == 1)
    if fails:
        with pytest.raises(TrainingDivergedError, match=r"norm|loss"):
            check.on_log(args, state, control, logs=logs)
    else:
        check.on_log(args, state, control, logs=logs)


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (["ACCELERATE_MIXED_PRECISION", "MASTER_ADDR"], True),
        (["ACCELERATE_MIXED_PRECISION"], False),
        (["ACCELERATE_MIXED_PRECISION", "MASTER_ADDR", "WORLD_SIZE"], False),
    ],
)
def test_a_launcher_that_started_one_process_of_several_is_noticed(monkeypatch, caplog, names, warned):
    for name in ("ACCELERATE_MIXED_PRECISION", "MASTER_ADDR", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, "2")
    warn_if_single_process()
    assert ("torchrun" in caplog.text) == warned


def test_ready_made_accelerate_configurations_are_valid():
    import yaml
    from accelerate.commands.config.config_args import ClusterConfig

    files = sorted((Path(__file__).parents[2] / "scripts" / "accelerate").glob("*.yaml"))
    assert files
    for path in files:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(content) <= set(ClusterConfig.__dataclass_fields__)
        assert ClusterConfig.from_yaml_file(yaml_file=str(path)).num_processes == content["num_processes"]
