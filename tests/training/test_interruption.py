"""A signal lets the step finish and saves; the run then goes on as if nothing had been."""

import json
import signal
from pathlib import Path

import pytest
from transformers import TrainerCallback

from bbc_classifier.cli import main
from bbc_classifier.errors import Interrupted
from bbc_classifier.training import trainer
from bbc_classifier.training.checkpoints import Checkpoints
from tests.training.conftest import TOPIC_WORDS, weights

OPTIONS = {"num_train_epochs": 2, "classifier_dropout": 0.3, "encoder_dropout": 0.1}


@pytest.fixture
def topics_file(tmp_path: Path) -> Path:
    rows = [
        {"text": f"the {words} {number}", "label": label}
        for label, words in TOPIC_WORDS.items()
        for number in range(10)
    ]
    path = tmp_path / "topics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


class Signal(TrainerCallback):
    """Sends this process a signal at one step."""

    def __init__(self, number: int, step: int):
        self.number, self.step = number, step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            signal.raise_signal(self.number)


def signal_at(monkeypatch: pytest.MonkeyPatch, number: int, step: int) -> None:
    """Let the next training get a signal in the middle of the step after `step`."""
    progress = trainer.Progress

    class ProgressAndSignal(progress, Signal):
        def __init__(self) -> None:
            progress.__init__(self)
            Signal.__init__(self, number, step)

    monkeypatch.setattr(trainer, "Progress", ProgressAndSignal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
# The ninth step is the last of an epoch, the eighteenth the last of all.
@pytest.mark.parametrize("step", [0, 3, 8, 11, 17])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(run_training, monkeypatch, tmp_path, number, step):
    whole = run_training("whole", **OPTIONS)
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        signal_at(patch, number, step)
        with pytest.raises(Interrupted, match=f"stopped at step {step + 1} of 18, with a checkpoint") as stopped:
            run_training("broken", **OPTIONS)
    assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) == before
    newest = Checkpoints(tmp_path / "broken" / "checkpoints").newest_whole(with_best=True)
    assert newest.name == f"checkpoint-{step + 1}"
    resumed = run_training("broken", resume_from_checkpoint="last", **OPTIONS)
    assert weights(resumed) == weights(whole)


def test_the_command_says_how_to_go_on(monkeypatch, tmp_path, tiny_bert_folder, topics_file, capsys):
    flags = ["train", "--encoder", str(tiny_bert_folder), "--dataset", str(topics_file), "--max_steps", "4"]
    flags += [
        "--output_dir",
        str(tmp_path / "run"),
        "--disable_tqdm",
        "true",
        "--use_cpu",
        "true",
        "--recipe",
        "standard",
        "--max_length",
        "16",
    ]
    with monkeypatch.context() as patch:
        signal_at(patch, signal.SIGTERM, 1)
        assert main(flags) == 143
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(
        "bbc-classifier: error: stopped at step 2 of 4, with a checkpoint; an unfinished run goes on"
    )
    assert main([*flags, "--resume_from_checkpoint"]) == 0
