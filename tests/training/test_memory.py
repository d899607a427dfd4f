"""A training that runs out of memory names the options that help, in the step where it does."""

import pytest

from bbc_classifier.errors import OutOfMemory
from bbc_classifier.training.trainer import ClassifierTrainer
from tests.test_memory import ask_in

CASES = {
    # The third of the batches is the first of the second step.
    ("compute_loss", 3): (
        r"for step 2, on 8 rows of \d+ tokens; try --per_device_train_batch_size 4 --gradient_accumulation_steps 4 for "
        r"the same steps \(now 8 and 2\), --gradient_checkpointing true, a lower --max_length, or a smaller --encoder"
    ),
    ("create_optimizer", 1): r"for training; try --per_device_train_batch_size 4",
}


@pytest.mark.parametrize(("where", "call"), CASES)
def test_training_names_the_options(run_training, monkeypatch, where, call):
    ask_in(monkeypatch, ClassifierTrainer, where, call)
    with pytest.raises(OutOfMemory, match=CASES[where, call]):
        run_training(gradient_accumulation_steps=2, max_steps=3)


def test_validation_names_its_own(run_training, monkeypatch):
    # The second batch is the first of the validation after the first step.
    ask_in(monkeypatch, ClassifierTrainer, "compute_loss", 2)
    batch = r"for validation, on 15 rows of \d+ tokens; lower --per_device_eval_batch_size \(now 32\) or --max_length"
    with pytest.raises(OutOfMemory, match=batch):
        run_training(max_steps=2, eval_strategy="steps", eval_steps=1, save_strategy="steps", save_steps=1)
