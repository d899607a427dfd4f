"""A training that was stopped, killed or moved ends with the weights of one that was not."""

import signal

import pytest
from transformers import TrainerCallback

from bbc_classifier.errors import EnvironmentFailure, Interrupted, UserError
from bbc_classifier.io import read_json
from bbc_classifier.training import train as train_module
from bbc_classifier.training.run_dir import RunDirectory
from bbc_classifier.training.trainer import ClassifierTrainer
from tests.training.conftest import weights

STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4, "save_steps": 4}
OPTIONS = {"num_train_epochs": 2, "classifier_dropout": 0.3, "encoder_dropout": 0.1}
# Validation is best at the first evaluation and never after it.
BEST_FIRST = {**OPTIONS, **STEPS, "learning_rate": 0.5}


class StopAt(TrainerCallback):
    """Sends this process a signal in the middle of a step, or dies after it as a killed process would."""

    def __init__(self, step: int, number: int | None = None):
        self.step, self.number = step, number

    def on_step_begin(self, args, state, control, **kwargs):
        if self.number is not None and state.global_step == self.step:
            signal.raise_signal(self.number)

    def on_step_end(self, args, state, control, **kwargs):
        if self.number is None and state.global_step == self.step:
            raise SystemExit("killed")


# An epoch has nine steps.
@pytest.mark.parametrize(
    ("step", "options"),
    [
        pytest.param(9, STEPS, id="end of an epoch", marks=pytest.mark.slow),
        pytest.param(14, STEPS, id="second epoch"),
        pytest.param(
            15,
            {**STEPS, "gradient_accumulation_steps": 2, "num_train_epochs": 4, "train_sampling_strategy": "random"},
            id="accumulation",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_killed_training_resumes_to_the_same_weights(run, tmp_path, step, options):
    options = {**OPTIONS, **options}
    whole = run("whole", **options)
    with pytest.raises(SystemExit):
        run("killed", callbacks=[StopAt(step)], **options)
    (tmp_path / "killed" / "checkpoints" / "checkpoint-999").mkdir()  # was being written
    with pytest.raises(UserError, match="--resume_from_checkpoint"):
        run("killed", **options)
    resumed = run("killed", resume_from_checkpoint="last", **options)
    assert weights(resumed) == weights(whole)
    assert resumed.record["training"]["resumed"] and not resumed.run_dir.checkpoints.exists()
    assert resumed.record["evaluation"]["test"]["metrics"] == whole.record["evaluation"]["test"]["metrics"]


@pytest.mark.parametrize(
    ("step", "number"),
    [
        pytest.param(0, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(8, signal.SIGTERM, marks=pytest.mark.slow),
        (11, signal.SIGINT),
        pytest.param(17, signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_a_signal_finishes_the_step_and_writes_a_checkpoint(run, tmp_path, step, number):
    whole = run("whole", **OPTIONS)
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match=f"step {step + 1} of 18") as stopped:
        run("stopped", callbacks=[StopAt(step, number)], **OPTIONS)
    assert stopped.value.exit_code == 128 + number and signal.getsignal(number) == handler
    assert RunDirectory(tmp_path / "stopped").newest_checkpoint().name == f"checkpoint-{step + 1}"
    assert weights(run("stopped", resume_from_checkpoint="true", **OPTIONS)) == weights(whole)


def stop_after_training(run, monkeypatch, name: str, **options) -> None:
    def stop(*args, **kwargs):
        raise SystemExit("killed")

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(train_module, "fit_temperature", stop)
        run(name, **options)


@pytest.mark.parametrize("keep_best", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_finished_training_takes_no_further_step(run, monkeypatch, keep_best):
    options = {**OPTIONS, **STEPS, "max_steps": 13, "load_best_model_at_end": keep_best}
    whole = run("whole", **options)
    stop_after_training(run, monkeypatch, "stopped", **options)
    resumed = run("stopped", resume_from_checkpoint="last", **options)
    assert resumed.record["training"]["global_step"] == 13 and resumed.record["training"]["train_loss"] is None
    assert weights(resumed) == weights(whole)


@pytest.mark.parametrize("step", [11, pytest.param(None, marks=pytest.mark.slow)], ids=["waiting", "stopped"])
def test_early_stopping_keeps_its_patience_and_a_moved_run_its_best_checkpoint(run, monkeypatch, tmp_path, step):
    options = {**BEST_FIRST, "early_stopping_patience": 3}
    whole = run("whole", **options)
    assert whole.record["training"]["global_step"] == 16 and whole.record["training"]["best_step"] == 4
    if step is None:
        stop_after_training(run, monkeypatch, "stopped", **options)
    else:
        with pytest.raises(SystemExit):
            run("stopped", callbacks=[StopAt(step)], **options)
    (tmp_path / "stopped").rename(tmp_path / "moved")
    moved = run("moved", resume_from_checkpoint="last", **options)
    assert moved.record["training"]["global_step"] == 16 and moved.record["training"]["best_step"] == 4
    assert weights(moved) == weights(whole)


@pytest.mark.slow
def test_a_probed_training_resumes_from_its_checkpoint_and_another_run_can_too(run):
    options = {"head_init": "linear_probe", "encoder_dropout": 0.1, "num_train_epochs": 1, **STEPS}
    whole = run("whole", **options)
    with pytest.raises(SystemExit):
        run("killed", callbacks=[StopAt(5)], **options)
    newest = RunDirectory(whole.run_dir.path.parent / "killed").newest_checkpoint()
    other = run("other", resume_from_checkpoint=str(newest), **options)
    assert weights(other) == weights(whole) and other.record["training"]["resumed"]
    assert read_json(other.run_dir.options) == read_json(whole.run_dir.options)


def test_a_full_disk_keeps_the_last_checkpoint(run, monkeypatch, tmp_path):
    options = {**OPTIONS, **STEPS}
    save = ClassifierTrainer.save_model

    def full(self, *args, **kwargs):
        if self.state.global_step == 8:
            raise OSError(28, "No space left on device")
        save(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(EnvironmentFailure, match="--resume_from_checkpoint"):
        patch.setattr(ClassifierTrainer, "save_model", full)
        run(**options)
    assert RunDirectory(tmp_path / "run").newest_checkpoint().name == "checkpoint-4"
    assert run(resume_from_checkpoint="last", **options).record["training"]["resumed"]
