"""The doors to `train`: the command, the module, the script, one process or two. All lead to one implementation."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.records import read_json

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts" / "train.py"
# The launcher leaves it to torch to start processes on a CPU; torch's own is what starts more than one there.
DOORS = {
    "command": [sys.executable, "-m", "bbc_classifier", "train"],
    "launched module": [
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes=1",
        "-m",
        "bbc_classifier",
        "train",
    ],
    "launched script": ["-m", "accelerate.commands.launch", "--cpu", "--num_processes=1", str(SCRIPT)],
}
TWO_PROCESSES = [
    "-m",
    "torch.distributed.run",
    "--nproc_per_node=2",
    "--standalone",
    "-m",
    "bbc_classifier",
    "train",
]


def run_door(door: list[str], encoder: Path, folder: Path, *flags: str) -> str:
    """Run a short training on the real articles through a door; return what it printed."""
    command = door if door[0] == sys.executable else [sys.executable, *door]
    options = [
        f"--encoder={encoder}",
        f"--output_dir={folder}",
        "--max_length=24",
        "--max_steps=4",
        "--use_cpu",
        *flags,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    finished = subprocess.run(
        [*command, *options], capture_output=True, text=True, env=environment, cwd=folder.parent, timeout=180
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return finished.stdout


def test_every_door_gives_the_same_weights(tiny_bert_folder, tmp_path):
    hashes = set()
    for name, door in DOORS.items():
        folder = tmp_path / name.replace(" ", "-")
        assert "Finished" in run_door(door, tiny_bert_folder, folder)
        hashes.add(hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_two_processes_train_one_model_and_report_once_over_every_row(tiny_bert_folder, tmp_path):
    printed = run_door(TWO_PROCESSES, tiny_bert_folder, tmp_path / "two", "--per_device_eval_batch_size=7")
    assert printed.count("Finished") == 1
    record = read_json(tmp_path / "two" / "record.json")
    assert record["training"]["processes"] == 2
    assert record["evaluation"]["test"]["n"] == record["evaluation"]["validation"]["n"] == 317
    assert "Already finished" in run_door(
        TWO_PROCESSES, tiny_bert_folder, tmp_path / "two", "--per_device_eval_batch_size=7"
    )
