"""A comparison killed in the middle goes on where it was, and ends as if it had not been."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bbc_classifier.records import read_json
from tests.comparison.conftest import QUICK
from tests.comparison.test_compare import hashes

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_moment_the_same_command_completes_the_rest(compare, articles, tiny_bert_folder, tmp_path):
    flags = ["--poolings", "cls,mean", "--folds", "2"]
    encoder = str(tiny_bert_folder)
    assert compare(tmp_path / "whole", *flags, encoders=encoder) == 0
    command = [sys.executable, "-m", "bbc_classifier", "compare", "--encoders", encoder, "--dataset", str(articles)]
    command += ["--output_dir", str(tmp_path / "killed"), *flags, *QUICK]
    # As many threads as this process: sums in another order are other bits.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # From the start of a cell to somewhere in it, each time a little later: while it trains, saves, or evaluates.
    for delay in (0.0, 0.4, 0.9):
        killed = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for line in killed.stderr:
            if line.startswith("cell "):
                break
        time.sleep(delay)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
    assert compare(tmp_path / "killed", *flags, encoders=encoder) == 0
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
    whole, completed = (read_json(tmp_path / name / "results.json") for name in ("whole", "killed"))
    assert completed["pairs"] == whole["pairs"] and completed["hardest"] == whole["hardest"]
