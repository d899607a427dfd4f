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

from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.ray_cluster import connect
from bbc_classifier.records import read_json
from tests.comparison.conftest import QUICK

# What a clock says, and what the library counts from the last start of a run.
OF_THE_CLOCK = {"created", "seconds", "cost", "peak_memory_mib", "reproduce"}
SINCE_THE_START = {"resumed", "train_loss", "final_train_loss"}
RATES = ("_runtime", "_per_second")
# Long enough to be stopped in.
LONG = ["--poolings", "cls,mean", *QUICK, "--max_steps", "150", "--classifier_dropout", "0.3"]
LONG += ["--eval_strategy", "steps", "--save_strategy", "steps", "--eval_steps", "30", "--save_steps", "30"]
LONG += ["--early_stopping_patience", "0"]
STOPPED = "tiny-bert-mean-seed42"


def without_times(content: Any) -> Any:
    """Return a JSON file's content without what a clock has put there."""
    if isinstance(content, list):
        return [without_times(part) for part in content]
    if not isinstance(content, dict):
        return content
    passing = {name for name in content if name in OF_THE_CLOCK | SINCE_THE_START or name.endswith(RATES)}
    return {name: without_times(part) for name, part in content.items() if name not in passing}


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


@pytest.fixture(scope="module")
def here(compare, tiny_bert_folder, tmp_path_factory) -> dict[str, Any]:
    """What a grid is that nobody stops and that is run in this process."""
    folder = tmp_path_factory.mktemp("here") / "grid"
    assert compare(folder, *LONG, encoders=str(tiny_bert_folder), quick=False) == 0
    return contents(folder)


def without_logged_losses(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what has the mean loss since the log before: a run that stops between two logs forgets its part."""
    return {name: content for name, content in found.items() if not name.endswith(("history.json", "_curves.png"))}


def is_well_under_way(runs: Path) -> bool:
    """Whether there is a whole checkpoint: the second one is begun when the first one is."""
    return any((runs / STOPPED / "checkpoints").glob("checkpoint-[69]0"))


def test_without_ray_nothing_is_written(compare, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert compare(tmp_path / "grid", "--poolings", "cls", "--engine", "ray") == 2
    assert capsys.readouterr().err.endswith("error: this needs ray: pip install 'bbc-classifier[ray]'\n")
    assert not (tmp_path / "grid").exists()


def test_the_same_comparison_may_go_on_with_another_engine():
    here = CompareArguments(encoders="minilm")
    there = CompareArguments(encoders="minilm", engine="ray", cpus_per_cell=2, gpus_per_cell=0.5, shard="1/2")
    assert there.lasting() == here.lasting() != CompareArguments(encoders="minilm", seeds=2).lasting()


def test_the_committed_record_of_a_killed_worker_is_what_the_documents_say():
    record = read_json(Path(__file__).parents[2] / "results" / "ray.json")
    assert record["cells"] == len(record["equal_to_local"]) == 14 and all(record["equal_to_local"].values())
    assert record["killed"]["resumed"] and record["results_equal"] and record["failed"] == {}


@pytest.mark.slow
def test_a_grid_on_two_workers_is_the_grid_run_here(cluster, compare, unreadable_encoder, tiny_bert_folder, tmp_path):
    flags = ["--poolings", "cls,mean", "--folds", "2", "--mode", "probe", "--max_length", "16"]
    flags += ["--disable_tqdm", "true", "--use_cpu", "true"]
    encoders = f"{unreadable_encoder},{tiny_bert_folder}"
    for engine in ("local", "ray"):
        assert compare(tmp_path / engine, *flags, "--engine", engine, encoders=encoders, quick=False) == 1
    one, other = (contents(tmp_path / engine) for engine in ("local", "ray"))
    assert one == other
    assert len(one["failures.json"]) == 4 and "runs/tiny-bert-mean-seed42-fold1/model/model.safetensors" in one


@pytest.mark.slow
def test_a_cell_whose_worker_is_killed_goes_on_and_ends_the_same(
    cluster, here, compare, tiny_bert_folder, tmp_path, caplog
):
    folder, killed = tmp_path / "grid", []
    runs = folder / "runs"
    watching = kill_when(lambda: is_well_under_way(runs), runs / f".{STOPPED}.lock", killed)
    assert compare(folder, *LONG, "--engine", "ray", encoders=str(tiny_bert_folder), quick=False) == 0
    watching.join(timeout=1)
    assert len(killed) == 1 and not psutil.pid_exists(killed[0])
    assert "a worker process of the Ray cluster died; its task is done again" in caplog.messages
    records = {path.parent.name: read_json(path) for path in runs.glob("tiny-*/record.json")}
    assert [name for name, record in records.items() if record["training"]["resumed"]] == [STOPPED]
    assert contents(folder) == here


@pytest.mark.slow
def test_a_grid_that_is_ended_stops_at_checkpoints_and_goes_on(here, compare, articles, tiny_bert_folder, tmp_path):
    folder, encoder = tmp_path / "grid", str(tiny_bert_folder)
    command = [sys.executable, "-m", "bbc_classifier", "compare", "--encoders", encoder, "--dataset", str(articles)]
    command += ["--output_dir", str(folder), *LONG, "--engine", "ray"]
    # A cluster of its own, of all CPUs here; as many threads as this process.
    environment = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not is_well_under_way(folder / "runs"):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 143
    assert errors.splitlines()[-1] == "bbc-classifier: error: terminated; the same command goes on where it stopped"
    assert not (folder / "runs" / STOPPED / "record.json").exists()
    assert compare(folder, *LONG, encoders=encoder, quick=False) == 0
    assert without_logged_losses(contents(folder)) == without_logged_losses(here)
