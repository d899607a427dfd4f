"""Our command line in a process of its own, whose Hub is on the loopback; it is started once for many commands."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.hub_server import TOKEN

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What came of a command.

    Attributes:
        waits: The seconds that it would have slept before each further attempt.
    """

    code: int
    out: str
    err: str
    waits: list[float]

    @property
    def error(self) -> str:
        """The sentence on the standard error, of which there must be one."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("bbc-classifier: error: ")]
        assert "Traceback" not in self.err
        return line.removeprefix("bbc-classifier: error: ")


class Commands:
    """A running command line.

    Attributes:
        said: Everything that any command has printed.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.said = ""
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.command_process"],
            cwd=ROOT,
            env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> "Commands":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._log.close()

    def __call__(self, *arguments: object, token: str | None = TOKEN) -> Done:
        """Run a command with a token in its environment, or without any."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps([list(map(str, arguments)), token]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, self.log()
        done = Done(**json.loads(line))
        self.said += done.out + done.err
        return done

    def log(self) -> str:
        """Return everything the process itself has written to its standard error."""
        self._log.seek(0)
        return self._log.read()
