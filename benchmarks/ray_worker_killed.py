"""A grid on a Ray cluster of two workers, one of them killed on the way: `python benchmarks/ray_worker_killed.py`.

The articles are the BBC's, the encoders tiny ones with random weights: what is measured is that nothing is lost, and
not how good they are. The grid is run here first, one cell after the other; then on the cluster, where the worker of
one cell is killed (SIGKILL) once it has written two checkpoints. Every file of every cell is then compared with the one
of the grid run here, byte for byte, but for what a clock says. Writes `results/ray.json`.
"""

import hashlib
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

# Before torch is loaded: a cell on the cluster has as many.
os.environ["OMP_NUM_THREADS"] = "1"

import psutil
import ray
from transformers import AutoModel, AutoTokenizer, BertConfig, DistilBertConfig, PretrainedConfig

from bbc_classifier.comparison.finished import read_finished
from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.comparison.results import results
from bbc_classifier.comparison.run import run_cells
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance
from bbc_classifier.ray_cluster import connect
from bbc_classifier.records import read_json, write_json

RECORD = Path("results") / "ray.json"
WORKERS, STEPS, SAVE_STEPS = 2, 120, 20
SIZES = {"vocab_size": 30522, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
ENCODERS: dict[str, PretrainedConfig] = {
    "tiny-bert": BertConfig(**SIZES, intermediate_size=64),
    "tiny-distilbert": DistilBertConfig(vocab_size=30522, dim=32, n_layers=2, n_heads=2, hidden_dim=64),
}
POOLINGS = "cls,mean"
KILLED = "tiny-bert-mean-seed42-fold0"
GIVEN = {
    **{"folds": 2, "max_length": 64, "max_steps": STEPS, "classifier_dropout": 0.3, "use_cpu": True},
    **{"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": SAVE_STEPS, "save_steps": SAVE_STEPS},
    **{"disable_tqdm": True, "per_device_train_batch_size": 16, "learning_rate": 5e-3},
}
# What a clock says; and what the library counts from the last start of a run.
PASSING = {"created", "seconds", "cost", "peak_memory_mib", "resumed", "train_loss", "final_train_loss"}
RATES = ("_runtime", "_per_second")


def write_encoders(folder: Path) -> str:
    """Write the encoders with MiniLM's tokenizer; return their folders with commas between."""
    tokenizer = AutoTokenizer.from_pretrained(locate_encoder("minilm").path)
    for name, config in ENCODERS.items():
        AutoModel.from_config(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return ",".join(str(folder / name) for name in ENCODERS)


class Killer(threading.Thread):
    """Kills the process that trains a cell, when the cell has a whole checkpoint.

    Attributes:
        process: Its id; None as long as nobody was killed.
        checkpoint: The newest checkpoint that was there.
    """

    def __init__(self, place: Path):
        super().__init__(daemon=True)
        self._lock, self._checkpoints = place.with_name(f".{place.name}.lock"), place / "checkpoints"
        self.process: int | None = None
        self.checkpoint: str | None = None

    def run(self) -> None:
        """Wait for two checkpoints, of which the first is whole then; find who holds the cell's lock; kill."""
        while not list(self._checkpoints.glob(f"checkpoint-{2 * SAVE_STEPS}")):
            time.sleep(0.005)
        for process in psutil.process_iter():
            try:
                holds = any(Path(file.path) == self._lock for file in process.open_files())
            except psutil.Error:
                continue
            if holds:
                process.send_signal(signal.SIGKILL)
                self.process = process.pid
                self.checkpoint = max((path.name for path in self._checkpoints.glob("checkpoint-*")), default=None)


def contents(cell: Path) -> dict[str, Any]:
    """Return what every file of a cell holds, without what may differ."""
    files = {path.relative_to(cell).as_posix(): path for path in cell.rglob("*") if path.is_file()}
    return {
        name: lasting(read_json(path)) if path.suffix == ".json" else hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
    }


def lasting(content: Any) -> Any:
    """Return the content of a JSON file without what may differ."""
    if isinstance(content, list):
        return [lasting(part) for part in content]
    if not isinstance(content, dict):
        return content
    names = {name for name in content if name not in PASSING and not name.endswith(RATES)}
    return {name: lasting(content[name]) for name in names}


def measure(folder: Path) -> dict[str, Any]:
    """Run the grid twice in a folder; return what became of it."""
    encoders = write_encoders(folder)
    here = folder / "here"
    started = time.perf_counter()
    run_cells(CompareArguments(encoders=encoders, poolings=POOLINGS), GIVEN, here, overwrite=False)
    seconds_here = time.perf_counter() - started
    there = folder / "there"
    killer = Killer(there / "runs" / KILLED)
    killer.start()
    started = time.perf_counter()
    with connect(cpus=WORKERS):
        run_cells(CompareArguments(encoders=encoders, poolings=POOLINGS, engine="ray"), GIVEN, there, overwrite=False)
    seconds_there = time.perf_counter() - started
    cells = sorted(path.name for path in (here / "runs").iterdir() if path.is_dir())
    equal = {name: contents(here / "runs" / name) == contents(there / "runs" / name) for name in cells}
    reports = [
        lasting(results([read_finished(grid / "runs" / name) for name in cells], {}, {})) for grid in (here, there)
    ]
    return {
        "workers": WORKERS,
        "steps_per_cell": STEPS,
        "killed": {
            "cell": KILLED,
            "process": killer.process,
            "newest_checkpoint": killer.checkpoint,
            "resumed": read_json(there / "runs" / KILLED / "record.json")["training"]["resumed"],
        },
        "cells": len(cells),
        "files": sum(len(contents(here / "runs" / name)) for name in cells),
        "failed": read_json(there / "failures.json"),
        "equal_to_local": equal,
        "results_equal": reports[0] == reports[1],
        "seconds": {"local": round(seconds_here, 1), "ray": round(seconds_there, 1)},
    }


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp())
    try:
        found = measure(place)
    finally:
        shutil.rmtree(place)
    origin = provenance()
    origin["versions"]["ray"] = ray.__version__
    write_json(RECORD, {"schema": 1, **found, "provenance": origin})
    print(
        f"{sum(found['equal_to_local'].values())} of {found['cells']} cells equal the local ones, "
        f"{found['killed']['cell']} killed at {found['killed']['newest_checkpoint']}\nWritten: {RECORD}"
    )
