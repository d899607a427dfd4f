"""A cluster of two workers, one of which is killed on the way: no row lost, doubled or in another place."""

import os
import threading
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.cli import main
from bbc_classifier.inference.bulk.ray_engine import _opened
from tests.inference.bulk.conftest import hashes

ROWS, SHARD_ROWS = 12_000, 200


def workers() -> list[psutil.Process]:
    """Return the processes of the cluster that are answering."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if "ray::_call" in " ".join(process.cmdline() or [process.name()])]


def kill_one(folder: Path, killed: list[int]) -> None:
    """Kill a worker once a few shards are there, and while others are not."""
    while not killed:
        if len(list((folder / "done").glob("*.json"))) >= 5 and (found := workers()):
            found[0].kill()
            killed.append(found[0].pid)
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the cluster's processes are not told apart by their titles there")
def test_a_killed_worker_costs_no_row(model_folder, tmp_path, caplog):
    import ray

    rows = [{"id": f"n{row}", "text": f"the goal of match {row}" if row % 97 else ""} for row in range(ROWS)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    flags = ["predict", "--model", str(model_folder), "--input", str(tmp_path / "rows.parquet")]
    flags += ["--shard_rows", str(SHARD_ROWS)]
    assert main([*flags, "--output", str(tmp_path / "alone")]) == 0
    killed: list[int] = []
    killer = threading.Thread(target=kill_one, args=(tmp_path / "cluster", killed), daemon=True)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        killer.start()
        assert main([*flags, "--output", str(tmp_path / "cluster"), "--engine", "ray"]) == 0
    finally:
        ray.shutdown()
    assert killed and not psutil.pid_exists(killed[0])
    assert "its task is done again" in caplog.text
    assert hashes(tmp_path / "cluster") == hashes(tmp_path / "alone")


def test_a_cluster_answers_folders_only(model_folder, capsys):
    for more in (["--input", "a.csv", "--output", "b.csv"], ["a text"], []):
        assert main(["predict", "--model", str(model_folder), "--engine", "ray", *more]) == 2
        assert "--engine ray answers into a folder" in capsys.readouterr().err


def test_under_a_launcher_the_cluster_is_refused(model_folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    flags = ["--input", str(tmp_path), "--output", str(tmp_path / "answers"), "--engine", "ray"]
    assert main(["predict", "--model", str(model_folder), *flags]) == 2
    assert "start the command once, without a launcher" in capsys.readouterr().err


def test_a_process_opens_the_classifier_once():
    assert _opened.cache_info().maxsize == 1
