"""A client of the Hub in a process of its own: any method of `HfApi`, called from a test.

    with HubClient(hub.environment(home)) as client:
        client("create_repo", "ann/news", private=True, token=TOKEN)

The process does not sleep between its attempts: `waits` holds the seconds it would have slept.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class ClientError(Exception):
    """What a call has raised.

    Attributes:
        kind: The name of the exception's class.
        status: That of the answer, if there was one.
    """

    def __init__(self, kind: str, message: str, status: int | None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.status = kind, status


class HubClient:
    """A running client; it is started once for many calls, since starting takes most of a second.

    Attributes:
        waits: How long the last call would have waited before each further attempt, in seconds.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.waits: list[float] = []
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the client)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub_server.client_process"],
            cwd=ROOT,
            env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> "HubClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._log.close()

    def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        """Return what a method of `HfApi` returns, as JSON tells it, or raise a `ClientError`."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps([method, args, options], default=os.fspath), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, self.log()
        answer = json.loads(line)
        self.waits = answer["waits"]
        if "error" in answer:
            raise ClientError(**answer["error"])
        return answer["value"]

    def log(self) -> str:
        """Return everything the client has written to its standard error."""
        self._log.seek(0)
        return self._log.read()
