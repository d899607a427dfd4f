"""Two processes in one folder: the second one is refused, and nothing of the first is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.folder_lock import locked, parts_at_work

HOLD = """
import sys
from pathlib import Path
from bbc_classifier.folder_lock import locked
with locked(Path(sys.argv[1]), "training", part=sys.argv[2] or None):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path, part: str = "") -> subprocess.Popen:
    command = [sys.executable, "-c", HOLD, str(folder), part]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


def test_a_folder_that_another_process_holds_is_refused(tmp_path):
    process = hold(tmp_path / "run")
    with (
        pytest.raises(InputError, match=r"another process is training in '.*run'; wait for it or choose another"),
        locked(tmp_path / "run", "training"),
    ):
        pass
    with locked(tmp_path / "other", "training"), locked(tmp_path / "run", "training", part="of it"):
        pass
    # The lock is the operating system's: it goes with the process, even one that is killed.
    end(process)
    with locked(tmp_path / "run", "training"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_one_that_waits_is_let_in(tmp_path):
    process = hold(tmp_path / "run")
    assert process.stdin is not None
    process.stdin.close()
    with locked(tmp_path / "run", "training", wait_seconds=60):
        assert process.wait() == 0


def test_nothing_is_left_of_a_lock_or_of_a_removal_that_was_cut_short(tmp_path):
    (tmp_path / ".run.old").mkdir()
    with locked(tmp_path / "run", "training"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_parts_at_work_are_those_of_processes_that_live(tmp_path):
    one, other = hold(tmp_path / "grid", "shard-1"), hold(tmp_path / "grid", "shard-2")
    with locked(tmp_path / "grid.x", "training"):
        assert parts_at_work(tmp_path / "grid", r"shard-\d") == ["shard-1", "shard-2"]
    end(one)
    assert parts_at_work(tmp_path / "grid", r"shard-\d") == ["shard-2"]
    end(other)
    assert parts_at_work(tmp_path / "grid", r"shard-\d") == []
    assert list(tmp_path.iterdir()) == []
