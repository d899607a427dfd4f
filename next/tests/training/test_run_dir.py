"""What a run directory says about itself, and which checkpoint training resumes from."""

import pytest

from bbc_classifier.errors import UserError
from bbc_classifier.io import write_json
from bbc_classifier.training.run_dir import RunDirectory

OPTIONS = {"model": {"pooling": "mean", "encoder": "minilm"}, "data": {"folds": None}}


def checkpoint(run: RunDirectory, step: int, state: str | None = "{}"):
    path = run.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


def test_a_run_is_finished_once_it_has_a_record_and_drops_its_checkpoints(tmp_path):
    run = RunDirectory(tmp_path / "run")
    assert not run.is_finished_with(OPTIONS)
    run.start(OPTIONS, None, overwrite=False)
    checkpoint(run, 4)
    assert not run.is_finished_with(OPTIONS)
    run.finish({"schema": 2})
    assert run.is_finished_with(OPTIONS) and not run.checkpoints.exists()


def test_other_options_are_refused_by_name_if_something_was_trained(tmp_path):
    run, other = RunDirectory(tmp_path), {**OPTIONS, "model": {"pooling": "max", "encoder": "minilm"}}
    run.start(OPTIONS, None, overwrite=False)
    assert not run.is_finished_with(other)
    checkpoint(run, 4)
    with pytest.raises(UserError, match=r"pooling: mean, now max.*--overwrite"):
        run.is_finished_with(other)


def test_the_newest_complete_checkpoint_is_resumed(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.checkpoint_to_resume(None) is None and run.checkpoint_to_resume("last") is None
    checkpoint(run, 20, None)
    assert run.checkpoint_to_resume(None) is None
    nine, ten = checkpoint(run, 9), checkpoint(run, 10)
    checkpoint(run, 11, '{"epoch": ')  # the disk was full, or the process was killed
    checkpoint(run, 12, None)
    for requested in ("last", "true", "True"):
        assert run.checkpoint_to_resume(requested) == ten
    assert run.checkpoint_to_resume(str(nine)) == nine
    with pytest.raises(UserError, match="--resume_from_checkpoint"):
        run.checkpoint_to_resume(None)
    with pytest.raises(UserError, match="not a complete checkpoint"):
        run.checkpoint_to_resume(str(tmp_path / "checkpoints" / "checkpoint-12"))
    run.start(OPTIONS, ten, overwrite=False)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["checkpoint-10", "checkpoint-9"]


def test_overwrite_removes_the_run_and_nothing_else(tmp_path):
    run = RunDirectory(tmp_path)
    run.start(OPTIONS, None, overwrite=False)
    checkpoint(run, 3)
    (run.export / "onnx").mkdir(parents=True)
    (tmp_path / "thesis.txt").write_text("mine")
    write_json(run.record, {})
    run.start(OPTIONS, None, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["options.json", "thesis.txt"]
