"""Processes that load rows need shared memory; where there is none it is said, and without them nothing is asked."""

import shutil
import subprocess
import sys

import pytest

from bbc_classifier.training.loading_processes import refuse_without_shared_memory
from tests.test_full_disk import disk  # noqa: F401

WITHOUT = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"'
ASK = """
import sys
from bbc_classifier.training.loading_processes import refuse_without_shared_memory
refuse_without_shared_memory(int(sys.argv[1]))
"""


def test_here_there_is_some():
    refuse_without_shared_memory(2)


def test_without_it_the_option_is_refused_and_none_is_needed(disk):  # noqa: F811
    if not shutil.which("unshare"):
        pytest.skip("needs the command unshare")
    ended = []
    for processes in ("0", "2"):
        ask = ["unshare", "--mount", "sh", "-c", WITHOUT, "sh", sys.executable, "-c", ASK, processes]
        ended.append(subprocess.run(ask, capture_output=True, text=True))
    assert [done.returncode for done in ended] == [0, 1]
    assert "WorldError: --dataloader_num_workers 2: processes that load rows need shared memory" in ended[1].stderr
