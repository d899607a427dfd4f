"""Several real processes: the same steps as one, every row counted once, and no hang when one of them dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bbc_classifier.records import read_json
from tests.training.conftest import TOPIC_WORDS

pytestmark = pytest.mark.slow

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
OURS = ["-m", "bbc_classifier", "train"]
STEPS = 20
# A learning rate that moves no weight: what is evaluated is the same on any number of processes.
STILL = ["--learning_rate", "1e-30", "--max_steps", "2"]
LONGEST_END = 60


@pytest.fixture
def topics_file(tmp_path: Path) -> Path:
    """Five hundred texts and one: an epoch is longer than the steps compared, and validation has an odd number."""
    rows = [
        {"text": f"the {words} {number} of a team {number * number}", "label": label}
        for label, words in TOPIC_WORDS.items()
        for number in range(101 if label == "tech" else 100)
    ]
    path = tmp_path / "topics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def flags(topics_file: Path, tiny_bert_folder: Path) -> list[str]:
    options = {"dataset": topics_file, "encoder": tiny_bert_folder, "recipe": "standard", "max_length": 16}
    options |= {"encoder_dropout": 0, "classifier_dropout": 0, "precision": "fp32", "train_sampling_strategy": "random"}
    options |= {
        "logging_steps": 1,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": 2,
        "save_steps": 2,
    }
    options |= {"use_cpu": "true", "disable_tqdm": "true", "early_stopping_patience": 0}
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def start(launcher: list[str], flags: list[str], folder: Path) -> subprocess.Popen:
    command = [*launcher, *OURS, *flags, "--output_dir", str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment(), cwd=Path(__file__).parents[2], **pipes)


def run(launcher: list[str], flags: list[str], folder: Path) -> dict:
    process = start(launcher, flags, folder)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-3000:]
    return read_json(folder / "record.json")


def processes(count: int) -> list[str]:
    return [sys.executable] if count == 1 else [*TORCHRUN, f"--nproc_per_node={count}", "--standalone"]


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in read_json(folder / "history.json") if "loss" in entry]


def evaluations(folder: Path) -> list[dict]:
    timings = ("runtime", "per_second", "epoch")
    entries = [entry for entry in read_json(folder / "history.json") if "eval_loss" in entry]
    return [{key: value for key, value in entry.items() if not key.endswith(timings)} for entry in entries]


def test_two_processes_of_eight_rows_take_the_steps_of_one_of_sixteen(flags, tmp_path):
    more = ["--max_steps", str(STEPS), "--learning_rate", "1e-3"]
    run(processes(1), [*flags, *more, "--per_device_train_batch_size", "16"], tmp_path / "one")
    record = run(processes(2), [*flags, *more, "--per_device_train_batch_size", "8"], tmp_path / "two")
    assert record["training"]["processes"] == 2
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two) == STEPS and one[-1] < one[0]
    assert two == pytest.approx(one, abs=1e-4)


def test_every_row_is_evaluated_once_and_the_figures_are_those_of_one_process(flags, tmp_path):
    more = [*STILL, "--per_device_eval_batch_size", "4"]
    one = run(processes(1), [*flags, *more], tmp_path / "one")
    two = run(processes(2), [*flags, *more], tmp_path / "two")
    assert one["data"]["sizes"]["validation"] % 2 == 1 and one["data"]["sizes"]["validation"] % 4 != 0
    assert evaluations(tmp_path / "one") == evaluations(tmp_path / "two") != []
    for side in ("validation", "test"):
        assert one["evaluation"][side]["metrics"] == two["evaluation"][side]["metrics"]
    files = [sorted(path.name for path in (tmp_path / name).rglob("*")) for name in ("one", "two")]
    assert files[0] == files[1]


def test_two_agents_that_meet_stand_for_two_machines(flags, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    agents = [*TORCHRUN, "--nnodes=2", "--nproc_per_node=1", "--rdzv_backend=c10d", f"--rdzv_endpoint=127.0.0.1:{port}"]
    both = [start([*agents, "--rdzv_id=news"], [*flags, *STILL], tmp_path / "run") for _ in range(2)]
    ended = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], [errors[-2000:] for _, errors in ended]
    assert sum(output.count("Finished") for output, _ in ended) == 1
    assert read_json(tmp_path / "run" / "record.json")["training"]["processes"] == 2


@pytest.mark.skipif(os.name == "nt", reason="processes are not killed by signals there")
def test_a_process_that_dies_ends_the_job_and_says_so(flags, tmp_path):
    job = start(processes(2), [*flags, "--max_steps", "100000"], tmp_path / "run")
    wait_for(lambda: list((tmp_path / "run" / "checkpoints").glob("checkpoint-*/sealed.json")))
    worker = psutil.Process(job.pid).children()[-1]
    worker.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    _, errors = job.communicate(timeout=LONGEST_END)
    assert job.returncode not in (0, None) and time.monotonic() - killed < LONGEST_END
    assert "SIGKILL" in errors


@pytest.mark.skipif(os.name == "nt", reason="processes are not ended by signals there")
def test_a_job_that_is_ended_goes_on_bit_for_bit(flags, tmp_path):
    more = ["--max_steps", "800", "--learning_rate", "1e-4", "--eval_steps", "50", "--save_steps", "50"]
    run(processes(2), [*flags, *more], tmp_path / "whole")
    job = start(processes(2), [*flags, *more], tmp_path / "broken")
    wait_for(lambda: list((tmp_path / "broken" / "checkpoints").glob("checkpoint-*/sealed.json")))
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=LONGEST_END)
    assert job.returncode != 0 and not (tmp_path / "broken" / "record.json").exists()
    run(processes(2), [*flags, *more, "--resume_from_checkpoint"], tmp_path / "broken")
    one, other = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "broken"))
    assert one.read_bytes() == other.read_bytes()


def wait_for(condition, seconds: float = 120) -> None:
    """Wait until something is there."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
