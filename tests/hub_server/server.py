"""The Hub, answering on the loopback for as long as a context is open."""

import os
import threading
from dataclasses import replace
from pathlib import Path

from tests.hub_server import cards, collection_routes, commit_routes, large_files, read_routes, write_routes
from tests.hub_server.handler import LoopbackServer
from tests.hub_server.messages import Answer
from tests.hub_server.routing import Request, dispatch
from tests.hub_server.state import Hub

ROOMS = (cards, collection_routes, commit_routes, large_files, write_routes, read_routes)
ROUTES = [route for room in ROOMS for route in room.ROUTES]


class HubServer(Hub):
    """A Hub, and a server of it for as long as the context is open."""

    def __init__(self) -> None:
        super().__init__()
        self._one_at_a_time = threading.Lock()
        self._server = LoopbackServer(self.answer, self.faults, self.requests)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._server.broken:
            raise ExceptionGroup("the loopback Hub itself failed", self._server.broken)

    @property
    def url(self) -> str:
        return self._server.url

    def answer(self, request: Request) -> Answer:
        """Return what the Hub says to one request; it changes nothing if that is a refusal."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        with self._one_at_a_time:
            return dispatch(ROUTES, self, replace(request, account=self.account(token)))

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the environment of a client whose caches lie in `home` and which has no token unless given one."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        return {
            **inherited,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **more,
        }
