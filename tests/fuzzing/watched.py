"""The worker under watch: a case that hangs or crashes is a fault, ends its process, and the next one gets another."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# From the outside; what takes longer than its reader says but comes to an end is told by the case itself.
HANGS_AFTER = 120.0


class Watched:
    """A worker, started anew whenever it is gone."""

    def __init__(self, specimens: Path) -> None:
        self._specimens = specimens
        self._cases = tempfile.TemporaryDirectory()
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._cases.cleanup()

    def run(self, reader: str, number: int, seed: int) -> dict[str, Any]:
        """Return what came of a case, as `Outcome.as_dict`."""
        worker = self._running()
        assert worker.stdin and worker.stdout
        worker.stdin.write(json.dumps([reader, number, seed]).encode() + b"\n")
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], HANGS_AFTER)
        line = worker.stdout.readline() if ready else b""
        if line:
            return json.loads(line)
        if not ready:
            # It writes down where it hangs.
            worker.send_signal(signal.SIGABRT)
        code = worker.wait()
        self._worker = None
        fault = f"ended the process ({code})" if ready else f"hung for {HANGS_AFTER:.0f} s"
        seconds = 0.0 if ready else HANGS_AFTER
        return {"code": None, "accepted": False, "message": "", "seconds": seconds, "peak_mib": 0.0, "faults": [fault]}

    def _running(self) -> subprocess.Popen[bytes]:
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzzing.worker", str(self._specimens), self._cases.name],
                cwd=ROOT,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._worker

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.communicate()
            self._worker = None
