"""A loss that is no number: the step and the rows are named, and what was saved before stays."""

import re

import pytest
import torch

from bbc_classifier.errors import Diverged
from bbc_classifier.training.checkpoints import Checkpoints
from bbc_classifier.training.non_finite_loss import rows_in
from bbc_classifier.training.trainer import ClassifierTrainer

OPTIONS = {"num_train_epochs": 2, "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps", "eval_steps": 4}


def test_rows_are_found_by_their_tokens_whatever_the_padding():
    rows = [{"input_ids": [2, 7, 3]}, {"input_ids": [2, 8, 9, 3]}, {"input_ids": [2, 7, 7, 3]}]
    batch = {
        "input_ids": torch.tensor([[2, 8, 9, 3], [2, 7, 3, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    }
    assert rows_in(batch, rows, ["a", "b", "c"]) == ["a", "b"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_step_and_its_rows_are_named_and_the_last_checkpoint_stays(run_training, monkeypatch, tmp_path, value):
    seen: list[dict] = []
    compute = ClassifierTrainer.compute_loss

    def spoilt(self, model, inputs, *args, **kwargs):
        loss = compute(self, model, inputs, *args, **kwargs)
        if model.training:
            seen.append(inputs)
        return loss * value if model.training and self.state.global_step == 5 else loss

    with monkeypatch.context() as patch:
        patch.setattr(ClassifierTrainer, "compute_loss", spoilt)
        with pytest.raises(Diverged, match=r"the loss became (nan|inf) at step 6, on the rows '.*; lower") as stopped:
            run_training("broken", **OPTIONS)
    assert len(seen) == 6
    named = re.findall(r"'(\w+/\d+)'", str(stopped.value))
    more = re.search(r"and (\d+) more", str(stopped.value))
    assert len(named) + (int(more.group(1)) if more else 0) == 8
    newest = Checkpoints(tmp_path / "broken" / "checkpoints").newest_whole(with_best=True)
    assert newest is not None and newest.name == "checkpoint-4"
    assert run_training("broken", resume_from_checkpoint="last", **OPTIONS).is_finished
