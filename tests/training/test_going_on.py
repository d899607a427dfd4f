"""What a run that goes on takes over: its best checkpoint, its patience, and that its training had ended."""

import json

import pytest

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.records import read_json
from bbc_classifier.training import run, run_folder
from bbc_classifier.training.checkpoints import Checkpoints, seal
from bbc_classifier.training.trainer import ClassifierTrainer
from bbc_classifier.training.trainer_state import STATE
from tests.training.conftest import interrupt_at, weights
from tests.training.test_checkpoints import BEST_FIRST, OPTIONS, flip


def stop_in(monkeypatch, module, name: str) -> None:
    """Stop the next training as Ctrl-C would, where it calls a function."""

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, interrupt)


def test_a_best_checkpoint_that_is_damaged_while_training_goes_on_is_not_taken(run_training, monkeypatch, tmp_path):
    def damage(self, limit, best):
        if self.all()[-1].name == "checkpoint-12":
            flip(self.at(4))

    monkeypatch.setattr(Checkpoints, "keep", damage)
    with pytest.raises(WorldError, match=r"checkpoint-4, which validated best, is damaged: model.safetensors is not"):
        run_training(**BEST_FIRST)


def test_a_run_that_was_moved_still_ends_with_its_best_checkpoint(run_training, monkeypatch, tmp_path):
    whole = run_training("whole", **BEST_FIRST)
    with monkeypatch.context() as patch:
        stop_in(patch, run, "calibrate")
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **BEST_FIRST)
    (tmp_path / "broken").rename(tmp_path / "moved")
    moved = run_training("moved", resume_from_checkpoint="last", **BEST_FIRST)
    assert read_json(moved.record)["training"]["best_step"] == 4
    assert weights(moved) == weights(whole)


def test_all_checkpoints_stay_until_the_record_is_written(run_training, monkeypatch, tmp_path):
    options = {**BEST_FIRST, "save_total_limit": 1}
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints")
    with monkeypatch.context() as patch:
        stop_in(patch, run_folder.RunFolder, "finish")
        with pytest.raises(KeyboardInterrupt):
            run_training(**options)
    # The newest too: or what goes on would train again from the best one.
    assert [path.name for path in checkpoints.all()] == ["checkpoint-4", "checkpoint-27"]
    with monkeypatch.context() as patch:
        stop_in(patch, run_folder.RunFolder, "drop_checkpoints")
        with pytest.raises(KeyboardInterrupt):
            run_training(resume_from_checkpoint="last", **options)
    assert checkpoints.all()
    # Killed between the record and that: the run is finished, and the next call clears up.
    assert run_training(**options).is_finished
    assert not checkpoints.folder.exists()


def interrupt_after_training(monkeypatch, run_training, **options) -> None:
    with monkeypatch.context() as patch:
        stop_in(patch, run, "calibrate")
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **options)


# In the middle of an epoch, which the Trainer would take up again.
@pytest.mark.parametrize("keep_best", [True, False])
def test_a_training_that_had_come_to_its_end_takes_no_step_more(run_training, monkeypatch, keep_best):
    options = {**OPTIONS, "max_steps": (steps := 13), "load_best_model_at_end": keep_best}
    whole = run_training("whole", **options)
    interrupt_after_training(monkeypatch, run_training, **options)
    resumed = run_training("broken", resume_from_checkpoint="last", **options)
    record = read_json(resumed.record)["training"]
    assert record["steps"] == steps and record["resumed"] and record["final_train_loss"] is None
    assert weights(resumed) == weights(whole)
    assert (resumed.path / "predictions" / "test.parquet").read_bytes() == (
        whole.path / "predictions" / "test.parquet"
    ).read_bytes()


@pytest.mark.parametrize("step", [11, None], ids=["waiting", "stopped"])
def test_early_stopping_waits_no_longer_for_having_been_interrupted(run_training, monkeypatch, step):
    options = {**BEST_FIRST, "early_stopping_patience": 3}
    whole = run_training("whole", **options)
    assert read_json(whole.record)["training"]["steps"] == 16
    if step is None:
        interrupt_after_training(monkeypatch, run_training, **options)
    else:
        with monkeypatch.context() as patch:
            interrupt_at(patch, step)
            with pytest.raises(KeyboardInterrupt):
                run_training("broken", **options)
    resumed = run_training("broken", resume_from_checkpoint="last", **options)
    assert read_json(resumed.record)["training"]["steps"] == 16
    assert weights(resumed) == weights(whole)


@pytest.mark.slow
def test_another_run_goes_on_from_where_one_had_ended(run_training, monkeypatch, tmp_path):
    options = {**OPTIONS, "load_best_model_at_end": False, "num_train_epochs": 3, "learning_rate": 1e-3}
    interrupt_after_training(monkeypatch, run_training, **{**options, "num_train_epochs": 2})
    last = Checkpoints(tmp_path / "broken" / "checkpoints").newest_whole(with_best=False)
    further = run_training("further", resume_from_checkpoint=str(last), **options)
    assert read_json(further.record)["training"]["steps"] == 27


# As the library takes them from a command line.
AS_GIVEN = {"logging_steps": 1.0, "eval_steps": 7.0, "save_steps": 100.0, "save_strategy": "epoch"}


@pytest.mark.parametrize(
    "options", [{**OPTIONS, **AS_GIVEN, "eval_strategy": "epoch"}, OPTIONS], ids=["as given", "int"]
)
def test_intervals_are_those_of_the_options_whatever_the_checkpoint_says(run_training, monkeypatch, tmp_path, options):
    whole = run_training("whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 13)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **options)
    checkpoint = Checkpoints(tmp_path / "broken" / "checkpoints").all()[-1]
    state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    state |= {"logging_steps": 0, "eval_steps": None, "save_steps": 1}
    (checkpoint / STATE).write_text(json.dumps(state), encoding="utf-8")
    seal(checkpoint)
    gone_on = run_training("broken", resume_from_checkpoint="last", **options)
    assert weights(gone_on) == weights(whole)
    assert len(read_json(gone_on.history)) == len(read_json(whole.history))


@pytest.mark.parametrize(("step", "error"), [(0, InputError), (10, TypeError)])
def test_a_model_that_computes_is_not_to_blame_later_and_what_was_trained_stays(
    run_training, monkeypatch, tmp_path, step, error
):
    usual = ClassifierTrainer.compute_loss

    def fail(self, *args, **kwargs):
        if self.state.global_step == step:
            raise TypeError("no")
        return usual(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(ClassifierTrainer, "compute_loss", fail)
        with pytest.raises(error, match="no"):
            run_training(**OPTIONS)
    assert (tmp_path / "run").exists() == bool(Checkpoints(tmp_path / "run" / "checkpoints").all()) == (step > 0)


def test_a_classifier_that_cannot_be_evaluated_stays(run_training, monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise InputError("no")

    monkeypatch.setattr(run, "evaluate_side", fail)
    with pytest.raises(InputError, match="no"):
        run_training()
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
