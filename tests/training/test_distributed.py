"""Two real processes: the same steps as one, every row evaluated once, and a job that resumes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bbc_classifier.io import read_json
from tests.tiny import write_csv
from tests.training.conftest import TOPIC_WORDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ONE = [sys.executable, "-m", "bbc_classifier", "train"]
TWO = [sys.executable, *"-m torch.distributed.run --nproc_per_node=2 --standalone".split(), *ONE[1:]]
ACCELERATE = "-m accelerate.commands.launch --config_file scripts/accelerate/multi-cpu.yaml scripts/train.py".split()
OPTIONS = (
    "--recipe standard --max_length 16 --encoder_dropout 0 --classifier_dropout 0 --precision fp32 --use_cpu true "
    "--disable_tqdm true --eval_strategy steps --save_strategy steps --logging_steps 1"
).split()


@pytest.fixture
def flags(tmp_path: Path, tiny_bert_dir: Path) -> list[str]:
    """Options for a data set whose validation split has an odd number of rows."""
    rows = [(f"the {words} {n} of a team {n * n}", label) for label, words in TOPIC_WORDS.items() for n in range(100)]
    path = write_csv(tmp_path / "topics.csv", [*rows, ("the phone software 100 of a team 10000", "tech")])
    return [*OPTIONS, "--encoder", str(tiny_bert_dir), "--dataset", path]


def start(launcher: list[str], flags: list[str], path: Path) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([*launcher, *flags, "--output_dir", str(path)], env=environment, cwd=ROOT)


def run(launcher: list[str], flags: list[str], path: Path) -> dict:
    assert start(launcher, flags, path).wait(timeout=300) == 0
    record = read_json(path / "record.json")
    assert record["training"]["num_processes"] == (1 if launcher == ONE else 2)
    return record


@pytest.mark.parametrize("launcher", [TWO, [sys.executable, *ACCELERATE]], ids=["torchrun", "accelerate"])
def test_two_processes_take_the_steps_and_have_the_metrics_of_one(flags, tmp_path, launcher):
    flags = [*flags, *"--max_steps 10 --eval_steps 5 --learning_rate 1e-3 --per_device_eval_batch_size 4".split()]
    one = run(ONE, [*flags, "--per_device_train_batch_size", "16"], tmp_path / "one")
    run(launcher, [*flags, "--per_device_train_batch_size", "8"], tmp_path / "two")
    assert one["data"]["split_sizes"]["validation"] % 2 == 1
    histories = [read_json(tmp_path / name / "history.json") for name in ("one", "two")]
    for name in ("loss", "eval_loss"):
        losses = [[entry[name] for entry in history if name in entry] for history in histories]
        assert losses[1] == pytest.approx(losses[0], abs=1e-4) and losses[0]
    files = [sorted(path.name for path in (tmp_path / name).rglob("*")) for name in ("one", "two")]
    assert files[0] == files[1]


def test_a_job_that_is_ended_resumes_to_the_same_weights(flags, tmp_path):
    flags += "--max_steps 400 --learning_rate 1e-4 --save_steps 50 --eval_steps 50".split()
    run(TWO, flags, tmp_path / "whole")
    job = start(TWO, flags, tmp_path / "ended")
    end = time.monotonic() + 120
    while not list((tmp_path / "ended" / "checkpoints").glob("checkpoint-*/trainer_state.json")):
        assert time.monotonic() < end and job.poll() is None
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=60) != 0 and not (tmp_path / "ended" / "record.json").exists()
    run(TWO, [*flags, "--resume_from_checkpoint"], tmp_path / "ended")
    whole, ended = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "ended"))
    assert whole.read_bytes() == ended.read_bytes()
