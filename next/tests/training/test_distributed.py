"""Two real processes: the same steps as one, every row evaluated once, and a job that resumes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bbc_classifier.io import read_json
from tests.training.conftest import TOPIC_WORDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", "scripts/accelerate/multi-cpu.yaml"]
STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 5, "save_steps": 5, "logging_steps": 1}


@pytest.fixture
def flags(tmp_path: Path, tiny_bert_dir: Path) -> list[str]:
    """Options for a data set whose validation split has an odd number of rows."""
    rows = [
        {"text": f"the {words} {number} of a team {number * number}", "label": label}
        for label, words in TOPIC_WORDS.items()
        for number in range(101 if label == "tech" else 100)
    ]
    path = tmp_path / "topics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = {"encoder": tiny_bert_dir, "dataset": path, "recipe": "standard", "max_length": 16, "use_cpu": "true"}
    options |= {"encoder_dropout": 0, "classifier_dropout": 0, "precision": "fp32", "disable_tqdm": "true", **STEPS}
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]


def start(launcher: list[str], flags: list[str], path: Path) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    command = [*launcher, *flags, "--output_dir", str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, cwd=ROOT, **pipes)


def run(processes: int, flags: list[str], path: Path, launcher: list[str] | None = None) -> dict:
    launcher = launcher or ([sys.executable] if processes == 1 else TORCHRUN)
    process = start(
        [*launcher, *([] if "accelerate" in str(launcher) else ["-m", "bbc_classifier", "train"])], flags, path
    )
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    record = read_json(path / "record.json")
    assert record["training"]["num_processes"] == processes
    return record


def logged(path: Path, name: str) -> list[float]:
    return [entry[name] for entry in read_json(path / "history.json") if name in entry]


def test_two_processes_take_the_steps_and_have_the_metrics_of_one(flags, tmp_path):
    flags = [*flags, "--max_steps", "10", "--learning_rate", "1e-3", "--per_device_eval_batch_size", "4"]
    one = run(1, [*flags, "--per_device_train_batch_size", "16"], tmp_path / "one")
    two = run(2, [*flags, "--per_device_train_batch_size", "8"], tmp_path / "two")
    assert one["data"]["split_sizes"]["validation"] % 2 == 1
    for name in ("loss", "eval_loss"):
        losses = [logged(tmp_path / each, name) for each in ("one", "two")]
        assert losses[1] == pytest.approx(losses[0], abs=1e-4) and losses[0]
    assert one["evaluation"]["test"]["n"] == two["evaluation"]["test"]["n"]
    files = [sorted(path.name for path in (tmp_path / each).rglob("*")) for each in ("one", "two")]
    assert files[0] == files[1]


def test_accelerate_launch_starts_both_processes(flags, tmp_path):
    run(2, [*flags, "--max_steps", "2"], tmp_path / "run", [*ACCELERATE, "scripts/train.py", "train"][:-1])


@pytest.mark.skipif(os.name == "nt", reason="processes are not ended by signals there")
@pytest.mark.parametrize("strategy", ["group_by_length", "random"])
def test_a_job_that_is_ended_resumes_to_the_same_weights(flags, tmp_path, strategy):
    flags = [
        *flags,
        "--train_sampling_strategy",
        strategy,
        "--max_steps",
        "400",
        "--learning_rate",
        "1e-4",
        "--save_steps",
        "50",
        "--eval_steps",
        "50",
    ]
    run(2, flags, tmp_path / "whole")
    job = start([*TORCHRUN, "-m", "bbc_classifier", "train"], flags, tmp_path / "ended")
    end = time.monotonic() + 120
    while not list((tmp_path / "ended" / "checkpoints").glob("checkpoint-*/trainer_state.json")):
        assert time.monotonic() < end and job.poll() is None
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=60)
    assert job.returncode != 0 and not (tmp_path / "ended" / "record.json").exists()
    run(2, [*flags, "--resume_from_checkpoint"], tmp_path / "ended")
    whole, ended = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "ended"))
    assert whole.read_bytes() == ended.read_bytes()
