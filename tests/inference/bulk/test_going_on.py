"""What was stopped, killed or damaged goes on: no row lost, doubled or in another place."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.cli import main
from bbc_classifier.errors import InputError, Interrupted
from bbc_classifier.folder_lock import locked
from bbc_classifier.inference.bulk import shard_answers
from bbc_classifier.records import read_json
from tests.inference.bulk.conftest import hashes

ROOT = Path(__file__).parents[3]
SHARDS = 14


class Stop:
    """Interrupts the answering of one shard, before it is written or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, before: bool):
        self.answer, self.left, self.before = shard_answers.ShardAnswers.answer, at, before
        monkeypatch.setattr(shard_answers.ShardAnswers, "answer", lambda *arguments: self(*arguments))

    def __call__(self, *arguments: object) -> None:
        self.left -= 1
        if self.left < 0 and self.before:
            raise KeyboardInterrupt
        self.answer(*arguments)
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("before", [True, False], ids=["before it is written", "after"])
@pytest.mark.parametrize("at", [0, 1, 6, SHARDS - 1])
def test_stopped_at_a_shard_the_same_call_goes_on(predict, monkeypatch, tmp_path, at, before):
    predict("whole")
    with monkeypatch.context() as patch:
        Stop(patch, at, before=before)
        with pytest.raises(Interrupted, match=rf"stopped with \d+ of {SHARDS} shards whole; the same command goes on"):
            predict("stopped")
    assert not (tmp_path / "stopped" / "summary.json").exists()
    assert predict("stopped").summary["rows"] == 195
    assert hashes(tmp_path / "stopped") == hashes(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["cut short", "a bit", "gone", "its note"])
def test_a_shard_that_is_not_as_it_was_written_is_answered_again(predict, monkeypatch, tmp_path, damage):
    predict("whole")
    with monkeypatch.context() as patch:
        Stop(patch, SHARDS - 1, before=True)
        with pytest.raises(Interrupted):
            predict("stopped")
    shard = tmp_path / "stopped" / "shards" / "shard-000003.parquet"
    content = bytearray(shard.read_bytes())
    if damage == "cut short":
        shard.write_bytes(content[:100])
    elif damage == "a bit":
        content[200] ^= 1
        shard.write_bytes(content)
    elif damage == "gone":
        shard.unlink()
    else:
        (tmp_path / "stopped" / "done" / "000003.json").write_text('{"sha2')
    predict("stopped")
    assert hashes(tmp_path / "stopped") == hashes(tmp_path / "whole")


def test_two_processes_of_the_same_share_do_not_work_side_by_side(predict, tmp_path):
    refused = pytest.raises(InputError, match="--output: another process is predicting in")
    with locked(tmp_path / "answers", "predicting", part="process-0-of-1"), refused:
        predict()
    assert predict().summary["rows"] == 195


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Eight thousand short rows, half of a second's work or so."""
    rows = [{"id": f"n{row}", "text": f"the goal of match {row}" if row % 97 else ""} for row in range(8000)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "many.parquet")
    return tmp_path / "many.parquet"


def command(model: Path, rows: Path, output: Path, *launcher: str) -> list[str]:
    flags = ["--model", str(model), "--input", str(rows), "--output", str(output), "--shard_rows", "100"]
    return [sys.executable, *(launcher or ["-m", "bbc_classifier"]), "predict", *flags]


def start(arguments: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_random_moments_the_same_command_completes_the_rest(model_folder, many, tmp_path):
    assert main(command(model_folder, many, tmp_path / "whole")[3:]) == 0
    moments = random.Random(7)
    for _ in range(3):
        process = start(command(model_folder, many, tmp_path / "killed"))
        wait_for((tmp_path / "killed" / "done").is_dir)
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        process.communicate()
    assert not (tmp_path / "killed" / "summary.json").exists(), "nothing was left to go on with"
    assert main(command(model_folder, many, tmp_path / "killed")[3:]) == 0
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
    assert not list((tmp_path / "killed").rglob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="processes are not ended by signals there")
def test_a_terminated_process_says_how_to_go_on(model_folder, many, tmp_path):
    process = start(command(model_folder, many, tmp_path / "answers"))
    wait_for((tmp_path / "answers" / "done").is_dir)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "shards whole; the same command goes on" in errors.splitlines()[-1] and "Traceback" not in errors


@pytest.mark.slow
def test_the_processes_of_a_launcher_share_the_work(model_folder, many, tmp_path):
    assert main(command(model_folder, many, tmp_path / "alone")[3:]) == 0
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "-m", "bbc_classifier"]
    process = start(command(model_folder, many, tmp_path / "both", *launcher))
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-2000:]
    assert output.count("Classified: 7,917 rows") == 1 and "This process's share is done" in output
    assert hashes(tmp_path / "both") == hashes(tmp_path / "alone")
    assert read_json(tmp_path / "both" / "summary.json")["bad_rows"] == 83


def wait_for(condition, seconds: float = 120) -> None:
    """Wait until something is there."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
