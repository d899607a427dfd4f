"""A process that answers a line with a line: started once for many questions, since starting takes seconds.

It does not sleep between its attempts; every answer has the seconds that it would have slept.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class LineProcess:
    """A running process, whose module ends with `serve`."""

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def close(self) -> None:
        self._process.communicate()
        self._log.close()

    def ask(self, *question: Any) -> dict[str, Any]:
        """Return the answer, `waits` among it; what the process has logged is shown if it is gone."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps(question, default=os.fspath), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, self.log()
        return json.loads(line)

    def log(self) -> str:
        """Return everything the process has written to its standard error."""
        self._log.seek(0)
        return self._log.read()


def serve(answer: Callable[..., dict[str, Any]]) -> None:
    """Answer every line of the standard input; what is printed meanwhile goes to the standard error."""
    waits: list[float] = []
    time.sleep = waits.append  # type: ignore[assignment]
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        waits.clear()
        found = answer(*json.loads(line))
        print(json.dumps({**found, "waits": waits}), file=answers, flush=True)
