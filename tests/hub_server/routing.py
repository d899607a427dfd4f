"""A request, and the table of patterns that finds who answers it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from tests.hub_server.accounts import Account
from tests.hub_server.messages import Answer, Refusal
from tests.hub_server.repositories import Kind, Repository
from tests.hub_server.state import Hub

ID = r"(?P<id>[^/]+(?:/[^/]+)?)"
IN_API = rf"/api/(?P<kind>models|datasets)/{ID}"
# The files of models lie at the root.
AT_ROOT = rf"/(?:(?P<kind>datasets)/)?{ID}"
REVISION = r"(?P<revision>[^/]+)"


@dataclass(frozen=True)
class Request:
    """What is asked, free of sockets.

    Attributes:
        endpoint: The address of the Hub, as the client knows it.
        parts: What the route's pattern has found in the path.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    endpoint: str
    account: Account | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return cast(Kind, self.parts.get("kind") or "models")

    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, list[str]]:
        """Return the fields of a form, each with all its values."""
        return parse_qs(self.body.decode())

    def is_on(self, option: str) -> bool:
        return self.query.get(option, "").lower() in ("1", "true")

    def repository(self, hub: Hub) -> Repository:
        """Return the repository that the path names, if the account may see it."""
        id = self.parts["id"]
        if id in hub.former_ids:
            raise Refusal(307, headers={"Location": self.path.replace(id, hub.former_ids[id], 1)})
        return hub.visible(self.kind, id, self.account)


Reply = Callable[[Hub, Request], Answer]


@dataclass(frozen=True)
class Route:
    """Who answers the requests of one method whose whole path has this pattern."""

    method: str
    pattern: str
    reply: Reply


def dispatch(routes: Iterable[Route], hub: Hub, request: Request) -> Answer:
    """Return the answer of the first route that fits; HEAD asks as GET does."""
    method = "GET" if request.method == "HEAD" else request.method
    for route in routes:
        if route.method == method and (found := re.fullmatch(route.pattern, request.path)):
            parts = {name: unquote(part) for name, part in found.groupdict().items() if part is not None}
            return route.reply(hub, replace(request, parts=parts))
    raise Refusal(404, "Not found")
