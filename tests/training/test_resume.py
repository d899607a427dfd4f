"""A training that was stopped or killed ends with the weights of one that was not."""

import signal
import sys

import pytest
from transformers import TrainerCallback

from bbc_classifier.errors import EnvironmentFailure, Interrupted, UserError
from bbc_classifier.io import write_text
from bbc_classifier.training import train as train_module
from bbc_classifier.training.run_dir import RunDirectory
from bbc_classifier.training.trainer import ClassifierTrainer
from tests.training.conftest import titled, weights

OPTIONS = {"num_train_epochs": 2, "classifier_dropout": 0.3, "encoder_dropout": 0.1}  # an epoch has nine steps
STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4, "save_steps": 4}
ACCUMULATION = {"gradient_accumulation_steps": 2, "num_train_epochs": 4, "train_sampling_strategy": "random"}
EXCERPTS = ["title", "first_sentence"]
DEFAULT = {"head_init": "linear_probe", "excerpts": EXCERPTS, "precision": "bf16", "dataset": titled()}
slow = pytest.mark.slow
# Killed at the end of an epoch, with accumulation, as the default recipe; by default in the second epoch.
KILLED = [pytest.param(*p, marks=slow) for p in ((9, {}), (15, ACCUMULATION), (5, DEFAULT))]


class StopAt(TrainerCallback):
    """Sends this process a signal in the middle of a step, or dies before it as a killed process would."""

    def __init__(self, step: int, number: int | None = None):
        self.step, self.number = step, number

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            signal.raise_signal(self.number) if self.number else sys.exit("killed")


@pytest.mark.parametrize(("step", "options"), [(14, {}), *KILLED])
def test_a_killed_training_resumes_to_the_same_weights_there_and_in_another_run(run, tmp_path, step, options):
    options = {**OPTIONS, **STEPS, **options}
    whole = run("whole", **options)
    with pytest.raises(SystemExit):
        run("killed", callbacks=[StopAt(step)], **options)
    newest = RunDirectory(tmp_path / "killed").newest_checkpoint()
    (tmp_path / "killed" / "checkpoints" / "checkpoint-999").mkdir()  # was being written
    with pytest.raises(UserError, match="--resume_from_checkpoint"):
        run("killed", **options)
    other = run("other", resume_from_checkpoint=str(newest), **options)
    resumed = run("killed", resume_from_checkpoint="last", **options)
    assert weights(resumed) == weights(other) == weights(whole)
    assert resumed.record["training"]["resumed"] and not resumed.run_dir.checkpoints.exists()


@pytest.mark.parametrize(
    ("step", "number"),
    [pytest.param(0, signal.SIGINT, marks=slow), pytest.param(8, signal.SIGTERM, marks=slow), (11, signal.SIGTERM)],
)
def test_a_signal_finishes_the_step_and_writes_a_checkpoint(run, tmp_path, step, number):
    whole = run("whole", **OPTIONS)
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match=f"step {step + 1} of 18") as stopped:
        run("stopped", callbacks=[StopAt(step, number)], **OPTIONS)
    assert stopped.value.exit_code == 128 + number and signal.getsignal(number) == handler
    assert RunDirectory(tmp_path / "stopped").newest_checkpoint().name == f"checkpoint-{step + 1}"
    assert weights(run("stopped", resume_from_checkpoint="true", **OPTIONS)) == weights(whole)


@slow
@pytest.mark.parametrize("step", [11, 99], ids=["in training", "after it"])
def test_early_stopping_keeps_its_patience_and_a_run_its_best_checkpoint(run, monkeypatch, step):
    # Validation is best at the first evaluation and never after it.
    options = {**OPTIONS, **STEPS, "learning_rate": 0.5, "early_stopping_patience": 3}
    whole = run("whole", **options)
    assert whole.record["training"]["global_step"] == 16 and whole.record["training"]["best_step"] == 4
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(train_module, "fit_temperature", lambda *args: sys.exit())
        run("stopped", callbacks=[StopAt(step)], **options)
    resumed = run("stopped", resume_from_checkpoint="last", **options)
    assert resumed.record["training"]["global_step"] == 16 and resumed.record["training"]["best_step"] == 4
    assert weights(resumed) == weights(whole)


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


def test_the_newest_complete_checkpoint_is_resumed(tmp_path):
    run = RunDirectory(tmp_path)
    nine, ten, eleven, twenty = (run.checkpoints / f"checkpoint-{step}" for step in (9, 10, 11, 20))
    twenty.mkdir(parents=True)
    assert run.checkpoint_to_resume(None) is None and run.checkpoint_to_resume("last") is None
    # The eleventh was being written when the disk was full, or the process was killed.
    for path, state in ((nine, "{}"), (ten, "{}"), (eleven, '{"epoch": ')):
        write_text(path / "trainer_state.json", state)
    for requested in ("last", "true", "True"):
        assert run.checkpoint_to_resume(requested) == ten
    assert run.checkpoint_to_resume(str(nine)) == nine
    for requested, message in ((None, "--overwrite"), (str(twenty), "not a complete")):
        with pytest.raises(UserError, match=message):
            run.checkpoint_to_resume(requested)
    run.start({}, ten, overwrite=False)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["checkpoint-10", "checkpoint-9"]
