"""Resume state: whole or passed over, and the last whole one is never deleted before the next is."""

import json
from pathlib import Path

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.records import read_json
from bbc_classifier.training.checkpoints import SEAL, Checkpoints, fault_of, seal
from tests.training.conftest import interrupt_at, weights

OPTIONS = {"num_train_epochs": 3, "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps", "eval_steps": 4}
OPTIONS |= {"classifier_dropout": 0.3, "save_total_limit": 5}
# The first checkpoint is the best then, since the outputs get better.
BEST_FIRST = {**OPTIONS, "metric_for_best_model": "accuracy", "greater_is_better": False, "early_stopping_patience": 0}


def make(folder: Path, *steps: int, sealed: bool = True) -> Checkpoints:
    for step in steps:
        checkpoint = folder / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "model.safetensors").write_bytes(bytes(step))
        if sealed:
            seal(checkpoint)
    return Checkpoints(folder)


def flip(checkpoint: Path) -> None:
    content = bytearray((checkpoint / "model.safetensors").read_bytes())
    content[0] ^= 1
    (checkpoint / "model.safetensors").write_bytes(content)


FAULTS = {
    "a bit": (flip, "model.safetensors is not as it was written"),
    "a short file": (lambda path: (path / "model.safetensors").write_bytes(b""), "is not as it was written"),
    "a lost file": (lambda path: (path / "model.safetensors").unlink(), "model.safetensors is missing"),
    "no seal": (lambda path: (path / SEAL).unlink(), "it was not written to its end"),
    "a broken seal": (lambda path: (path / SEAL).write_text("{"), f"{SEAL} is damaged"),
}


CONTROL = {"TrainerControl": {"args": {"should_training_stop": False}, "attributes": {}}}
STATE = {"epoch": 0.5, "global_step": 7, "max_steps": 9, "num_train_epochs": 1, "log_history": [], "best_metric": 0.5}
STATE |= {"best_model_checkpoint": None, "stateful_callbacks": CONTROL, "train_batch_size": 8}
STATE_FAULTS = {
    "another step": (STATE | {"global_step": 8}, "trainer_state.json is of step 8"),
    "a list for a number": (STATE | {"max_steps": [9]}, "max_steps is a list where a count is meant"),
    "a lost number": ({**STATE, "epoch": None}, "epoch is null where a number is meant"),
    "no size of batches": ({**STATE, "train_batch_size": None}, "train_batch_size is null where a count above 0"),
    "an unknown key": (STATE | {"evil": 1}, "evil is the number 1 where nothing is meant"),
    "other counters": (
        STATE | {"stateful_callbacks": {**CONTROL, "EarlyStoppingCallback": {"args": {}, "attributes": {}}}},
        "early_stopping_patience is missing",
    ),
    "no end": (STATE | {"stateful_callbacks": {}}, "TrainerControl is missing"),
    "no best": (
        {key: STATE[key] for key in STATE if key != "best_model_checkpoint"},
        "best_model_checkpoint is missing",
    ),
    "a list": ([], "it is a list where an object is meant"),
}


@pytest.mark.parametrize("case", STATE_FAULTS)
def test_a_state_of_another_shape_is_a_fault_though_it_is_sealed(tmp_path, case):
    state, message = STATE_FAULTS[case]
    checkpoint = make(tmp_path, 7).at(7)
    for content, fault in ((STATE, None), (state, message)):
        (checkpoint / "trainer_state.json").write_text(json.dumps(content))
        seal(checkpoint)
        found = fault_of(checkpoint)
        assert found is None if fault is None else fault in (found or "")
    (checkpoint / "trainer_state.json").write_text("[" * 100_000)
    seal(checkpoint)
    assert fault_of(checkpoint) == "trainer_state.json is damaged"


@pytest.mark.parametrize("case", FAULTS)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, case, caplog):
    damage, message = FAULTS[case]
    checkpoints = make(tmp_path, 9, 10)
    assert checkpoints.newest_whole(with_best=False) == tmp_path / "checkpoint-10"
    damage(tmp_path / "checkpoint-10")
    assert message in (fault_of(tmp_path / "checkpoint-10") or "")
    assert checkpoints.newest_whole(with_best=False) == tmp_path / "checkpoint-9"
    assert "checkpoint-10 is passed over" in caplog.text and message in caplog.text
    damage(tmp_path / "checkpoint-9")
    assert checkpoints.newest_whole(with_best=False) is None


def test_the_newest_and_the_best_stay(tmp_path):
    checkpoints = make(tmp_path, 5, 10, 15, 20)
    checkpoints.keep(None, None)
    assert len(checkpoints.all()) == 4
    checkpoints.keep(2, str(tmp_path / "checkpoint-5"))
    assert [path.name for path in checkpoints.all()] == ["checkpoint-5", "checkpoint-15", "checkpoint-20"]
    checkpoints.keep(1, None)
    assert [path.name for path in checkpoints.all()] == ["checkpoint-20"]


def test_a_run_goes_on_from_the_last_whole_checkpoint_bit_for_bit(run_training, monkeypatch, caplog, tmp_path):
    whole = run_training("whole", **OPTIONS)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 14)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **OPTIONS)
    newest = Checkpoints(tmp_path / "broken" / "checkpoints").all()[-1]
    flip(newest)
    with pytest.raises(InputError, match=r"cannot be gone on from: model\.safetensors is not as it was written"):
        run_training("broken", resume_from_checkpoint=str(newest), **OPTIONS)
    resumed = run_training("broken", resume_from_checkpoint="last", **OPTIONS)
    assert f"{newest.name} is passed over" in caplog.text
    assert weights(resumed) == weights(whole)
    assert read_json(resumed.record)["training"]["resumed"] is True


def test_without_any_whole_checkpoint_the_run_says_so(run_training, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **OPTIONS)
    (only,) = Checkpoints(tmp_path / "broken" / "checkpoints").all()
    flip(only)
    with pytest.raises(InputError, match=r"holds no whole checkpoint to go on from; add --overwrite instead"):
        run_training("broken", resume_from_checkpoint="last", **OPTIONS)


def test_a_run_without_any_checkpoint_says_that_there_is_nothing_to_go_on_from(run_training, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            run_training(**OPTIONS)
    with pytest.raises(InputError, match=r"holds no checkpoint to go on from; leave this out to start from the begin"):
        run_training(resume_from_checkpoint="last", **OPTIONS)
    assert run_training(**OPTIONS).is_finished


def test_a_checkpoint_is_passed_over_where_the_best_before_it_is_damaged(run_training, monkeypatch, tmp_path, caplog):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 14)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **BEST_FIRST)
    checkpoints = Checkpoints(tmp_path / "broken" / "checkpoints")
    first, *_, newest = checkpoints.all()
    assert checkpoints.best_until(newest) == first
    flip(first)
    for checkpoint in ("last", str(newest)):
        with pytest.raises(InputError, match=r"no whole checkpoint|checkpoint-4, the best until then, is damaged"):
            run_training("broken", resume_from_checkpoint=checkpoint, **BEST_FIRST)
    assert "checkpoint-12 is passed over: checkpoint-4, the best until then, is damaged: model.safe" in caplog.text
    assert checkpoints.newest_whole(with_best=False) == newest
