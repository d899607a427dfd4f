"""A training on a disk that gets full: the last good state is intact, and with room it ends as if there had been."""

import pytest

from bbc_classifier.errors import NoSpace
from bbc_classifier.records import read_json
from bbc_classifier.training.checkpoints import Checkpoints, fault_of
from tests.test_full_disk import disk  # noqa: F401
from tests.training.conftest import tiny_training, weights

OPTIONS = {"num_train_epochs": 3, "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps", "eval_steps": 4}
OPTIONS |= {"classifier_dropout": 0.3, "save_total_limit": 9, "max_steps": 16, "early_stopping_patience": 0}


@pytest.fixture
def small(disk):  # noqa: F811
    return disk


# In bytes, after `options.json`: a checkpoint takes about 330 kB, all four and the model 1.5 MB.
@pytest.mark.parametrize("left", [pytest.param(100_000, marks=pytest.mark.slow), 1_320_000])
def test_the_last_checkpoint_stays_and_the_run_goes_on(run_training, tiny_bert_folder, tmp_path, small, left):
    whole = run_training("whole", **OPTIONS)
    run_there = tiny_training(tiny_bert_folder, small.place)
    small.leave(left)
    with pytest.raises(NoSpace) as refused:
        run_there(**OPTIONS)
    checkpoints = Checkpoints(small.place / "run" / "checkpoints").all()
    assert [path.name for path in checkpoints if fault_of(path)] == []
    assert list(small.place.rglob("*partial*")) == []
    then = "go on with --resume_from_checkpoint" if checkpoints else "run the same command again"
    assert str(refused.value).endswith(f"; make room there, then {then}")
    small.resize(2**24)
    finished = run_there(**OPTIONS, **({"resume_from_checkpoint": "last"} if checkpoints else {}))
    assert weights(finished) == weights(whole)
    assert read_json(finished.record)["training"]["resumed"] == bool(checkpoints)
