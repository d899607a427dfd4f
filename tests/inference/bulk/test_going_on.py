"""What was stopped, killed or damaged goes on: no row lost, doubled or in another place."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.cli import main
from bbc_classifier.errors import InputError, Interrupted, WorldError
from bbc_classifier.folder_lock import locked
from bbc_classifier.inference.bulk import shard_answers
from bbc_classifier.inference.bulk.folder import BulkFolder
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


def test_answers_of_which_a_shard_is_gone_are_made_whole(predict, tmp_path):
    predict()
    before = hashes(tmp_path / "answers")
    (tmp_path / "answers" / "shards" / "shard-000003.parquet").unlink()
    assert predict().summary["rows"] == 195
    assert hashes(tmp_path / "answers") == before


def at_shard(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], object]) -> None:
    """Let something happen just before a shard is answered."""
    answer = shard_answers.ShardAnswers.answer

    def first(self, shard, went_on):
        if shard.number == number:
            do()
        answer(self, shard, went_on)

    monkeypatch.setattr(shard_answers.ShardAnswers, "answer", first)


@pytest.mark.parametrize(("name", "shard"), [("a.parquet", 3), ("b.csv", 7), ("c.jsonl", 12)])
def test_rows_of_a_file_that_is_gone_for_a_while_are_not_bad(predict, inputs, monkeypatch, tmp_path, name, shard):
    """As on a disk that is not there: no row is given up for it."""
    predict("whole")
    # Each begins with a file that is not open yet, or goes on in one that is.
    with monkeypatch.context() as patch:
        at_shard(patch, shard, lambda: (inputs / name).rename(tmp_path / "away"))
        with pytest.raises(WorldError, match=rf"cannot read '.*{name}': No such file or directory"):
            predict("stopped")
    (tmp_path / "away").rename(inputs / name)
    predict("stopped")
    assert hashes(tmp_path / "stopped") == hashes(tmp_path / "whole")


@pytest.mark.parametrize("content", ["id,text\n", "id,text\n" + "n,one\n" * 60], ids=["shorter", "of other rows"])
def test_a_file_that_changes_meanwhile_ends_in_no_summary(predict, inputs, monkeypatch, tmp_path, content):
    with monkeypatch.context() as patch:
        at_shard(patch, 8, lambda: (inputs / "b.csv").write_text(content))
        with pytest.raises(InputError, match=r"b\.csv' has changed since its first rows were answered"):
            predict()
    assert not (tmp_path / "answers" / "summary.json").exists()
    with pytest.raises(InputError, match=r"b\.csv' has changed since its first rows were answered; add --overwrite"):
        predict()
    (inputs / "b.csv").write_text("id,text\nn,one\n")
    assert predict(overwrite=True).summary["rows"] == 146


def test_a_file_that_could_not_be_read_and_now_can_is_another(predict, inputs):
    good = (inputs / "b.csv").read_text()
    (inputs / "b.csv").write_text("name,place\nann,here\n")
    assert list(predict().summary["unreadable_files"]) == ["b.csv"]
    # It still cannot be: the call is the same.
    assert predict(overwrite=True).summary["rows"] == 145
    (inputs / "b.csv").write_text(good)
    with pytest.raises(InputError, match=r"b\.csv' has changed"):
        predict()
    bulk = predict(overwrite=True)
    assert bulk.summary["rows"] == 195 and not bulk.summary["unreadable_files"]


def test_another_number_of_processes_does_not_work_side_by_side(predict, tmp_path):
    refused = pytest.raises(InputError, match="--output: another process is predicting in")
    for part in ("process-0-of-2", "process-3-of-11"):
        for overwrite in (False, True):
            with locked(tmp_path / "answers", "predicting", part=part), refused:
                predict(overwrite=overwrite)
    # What a killed one has left behind holds nothing.
    (tmp_path / ".answers.process-0-of-2.lock").touch()
    assert predict().summary["rows"] == 195


def test_a_process_of_the_same_launch_works_side_by_side(predict, monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "11")
    monkeypatch.setenv("RANK", "0")
    with locked(tmp_path / "answers", "predicting", part="process-3-of-11"):
        assert predict().summary is None


def test_a_request_that_is_killed_while_it_begins_anew_can_be_begun_again(predict, monkeypatch, tmp_path):
    predict("whole")
    predict("killed", shard_rows=50)
    with monkeypatch.context() as patch:
        patch.setattr(BulkFolder, "_clear", cleared_in_part(BulkFolder._clear))
        with pytest.raises(KeyboardInterrupt):
            predict("killed", overwrite=True)
    assert predict("killed", shard_rows=50).summary["rows"] == 195
    assert predict("killed", overwrite=True).summary["rows"] == 195
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")


def cleared_in_part(clear: Callable[[BulkFolder], None]) -> Callable[[BulkFolder], None]:
    """Return a removal that is interrupted after half of the shards."""

    def interrupted(folder: BulkFolder) -> None:
        kept = {path: path.read_bytes() for path in sorted(folder.shards.iterdir())[2:]}
        clear(folder)
        folder.shards.mkdir()
        for path, content in kept.items():
            path.write_bytes(content)
        raise KeyboardInterrupt

    return interrupted


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
