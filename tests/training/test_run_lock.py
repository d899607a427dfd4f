"""Two runs in one folder: the second one is refused, and nothing of the first is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.folder_lock import locked

HOLD = """
import sys
from pathlib import Path
from bbc_classifier.folder_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_folder_in_which_another_process_trains_is_refused(run_training, tmp_path):
    process = hold(tmp_path / "run")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError, match="another process is at work in"):
        run_training(max_steps=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert run_training("other", max_steps=1).is_finished
    # The lock is the operating system's: it goes with the process, even one that is killed.
    process.kill()
    process.wait()
    assert run_training(max_steps=1).is_finished


def test_nothing_is_left_of_a_lock(tmp_path):
    with locked(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []
