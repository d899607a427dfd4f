"""A grid on a Ray cluster: the records are those of a grid run here, also when workers are killed or the command is."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bbc_classifier.ray_cluster import connect
from bbc_classifier.records import read_json
from tests.comparison.conftest import QUICK

# What a clock says, and whether there was an interruption.
OF_THE_CLOCK = {"created", "seconds", "cost", "peak_memory_mib", "resumed", "reproduce"}
RATES = ("_runtime", "_per_second")
# Long enough to be killed in; a checkpoint every few steps.
LONG = ["--max_steps", "120", "--eval_strategy", "steps", "--save_strategy", "steps"]
LONG += ["--eval_steps", "10", "--save_steps", "10", "--classifier_dropout", "0.3"]
KILLED = "tiny-bert-mean-seed42-fold0"


def without_times(content: Any) -> Any:
    """Return a JSON file's content without what a clock has put there."""
    if isinstance(content, list):
        return [without_times(part) for part in content]
    if not isinstance(content, dict):
        return content
    lasting = {name for name in content if name not in OF_THE_CLOCK and not name.endswith(RATES)}
    return {name: without_times(content[name]) for name in lasting}


def contents(folder: Path) -> dict[str, Any]:
    """Return what every file of a comparison holds, but for times and the report that is drawn from the results."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            found[name] = without_times(read_json(path))
        elif name.startswith("runs/"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def kill_when(is_time: Callable[[], bool], lock: Path, killed: list[int]) -> threading.Thread:
    """Start a thread that kills whoever holds the lock, once it is time; it leaves the process's id in `killed`."""

    def watch() -> None:
        while not is_time():
            time.sleep(0.005)
        for process in psutil.process_iter():
            try:
                holds = any(Path(file.path) == lock for file in process.open_files())
            except psutil.Error:  # another's, or gone
                continue
            if holds:
                process.send_signal(signal.SIGKILL)
                killed.append(process.pid)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two CPUs that this process, and so the command in it, is connected to."""
    with connect(cpus=2):
        yield


def test_without_ray_nothing_is_written(compare, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert compare(tmp_path / "grid", "--poolings", "cls", "--engine", "ray") == 2
    assert capsys.readouterr().err.endswith("error: this needs ray: pip install 'bbc-classifier[ray]'\n")
    assert not (tmp_path / "grid").exists()


def test_a_finished_comparison_needs_no_cluster(compared, compare, tmp_path, monkeypatch, caplog):
    """The engine is no option of the comparison: the same one goes on with another."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    flags = ["--poolings", "cls,pooler", "--seeds", "2", "--folds", "2", "--train_sizes", "12,all"]
    before = read_json(compared / "comparison.json")
    assert compare(compared, *flags, "--engine", "ray", "--gpus_per_cell", "0.5") == 0
    assert read_json(compared / "comparison.json") == before
    assert not {"engine", "cpus_per_cell", "gpus_per_cell", "shard"} & set(before["grid"])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["finetune", "probe"])
def test_a_grid_on_two_workers_is_the_grid_run_here(
    cluster, compare, unreadable_encoder, tiny_bert_folder, tmp_path, mode
):
    flags = ["--poolings", "cls,mean", "--folds", "2", "--mode", mode, "--max_length", "16"]
    flags += ["--disable_tqdm", "true", "--use_cpu", "true", *(["--max_steps", "2"] if mode == "finetune" else [])]
    encoders = f"{unreadable_encoder},{tiny_bert_folder}"
    for engine in ("local", "ray"):
        assert compare(tmp_path / engine, *flags, "--engine", engine, encoders=encoders, quick=False) == 1
    here, there = (contents(tmp_path / engine) for engine in ("local", "ray"))
    assert here == there
    assert len(here["failures.json"]) == 4 and "runs/tiny-bert-mean-seed42-fold1/model/model.safetensors" in here


@pytest.mark.slow
def test_a_cell_whose_worker_is_killed_goes_on_and_ends_the_same(cluster, compare, tiny_bert_folder, tmp_path, caplog):
    flags = ["--poolings", "cls,mean", "--folds", "2", *QUICK, *LONG]
    encoder = str(tiny_bert_folder)
    assert compare(tmp_path / "local", *flags, encoders=encoder, quick=False) == 0
    runs, killed = tmp_path / "ray" / "runs", []
    saved = runs / KILLED / "checkpoints"
    watching = kill_when(lambda: any(saved.glob("checkpoint-[2-9]0")), runs / f".{KILLED}.lock", killed)
    assert compare(tmp_path / "ray", *flags, "--engine", "ray", encoders=encoder, quick=False) == 0
    watching.join(timeout=1)
    assert len(killed) == 1 and not psutil.pid_exists(killed[0])
    assert "a worker process of the Ray cluster died; its task is done again" in caplog.messages
    resumed = [
        path.parent.name for path in runs.glob("*/record.json") if read_json(path).get("training", {}).get("resumed")
    ]
    assert resumed == [KILLED]
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


@pytest.mark.slow
def test_a_grid_that_is_ended_stops_at_checkpoints_and_goes_on_here(compare, articles, tiny_bert_folder, tmp_path):
    flags = ["--poolings", "cls,mean", *QUICK, *LONG, "--save_steps", "60", "--eval_steps", "60"]
    encoder = str(tiny_bert_folder)
    command = [sys.executable, "-m", "bbc_classifier", "compare", "--encoders", encoder, "--dataset", str(articles)]
    command += ["--output_dir", str(tmp_path / "ended"), *flags, "--engine", "ray"]
    # A cluster of its own, of all CPUs here; as many threads as this process.
    environment = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = tmp_path / "ended" / "runs" / "tiny-bert-cls-seed42" / "split.json"
    while not started.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert errors.splitlines()[-1] == "bbc-classifier: error: terminated; the same command goes on where it stopped"
    assert list((tmp_path / "ended" / "runs").glob("*/checkpoints/checkpoint-*"))
    assert not (tmp_path / "ended" / "runs" / "tiny-bert-cls-seed42" / "record.json").exists()
    for folder in ("ended", "whole"):
        assert compare(tmp_path / folder, *flags, encoders=encoder, quick=False) == 0
    assert contents(tmp_path / "ended") == contents(tmp_path / "whole")
