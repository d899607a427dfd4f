"""A client of the Hub in a process of its own: any method of `HfApi`, called from a test.

    with HubClient(hub.environment(home)) as client:
        client("create_repo", "ann/news", private=True, token=TOKEN)

The process does not sleep between its attempts: `waits` holds the seconds it would have slept.
"""

from typing import Any

from tests.line_process import LineProcess


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
        log: Returns everything the client has written to its standard error.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.waits: list[float] = []
        self._process = LineProcess("tests.hub_server.client_process", environment)
        self.log = self._process.log

    def __enter__(self) -> "HubClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        """Return what a method of `HfApi` returns, as JSON tells it, or raise a `ClientError`."""
        answer = self._process.ask(method, args, options)
        self.waits = answer["waits"]
        if "error" in answer:
            raise ClientError(**answer["error"])
        return answer["value"]
