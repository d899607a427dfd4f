"""What the Hub says: an answer, or a refusal that the client can name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One answer, free of sockets.

    Attributes:
        cut: Whether the connection breaks in the middle of the body.
    """

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    cut: bool = False


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), {"Content-Type": "application/json"}, status)


class Refusal(Exception):
    """An answer that is an error: the client reads its kind from the status and `X-Error-Code`.

    Args:
        message: In the header and in the body, as on the Hub.
        more: What the body holds besides the message.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        code: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status, message, code)
        named = {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})}
        body = json_answer({"error": message, **(more or {})}, status)
        said = {name: value for name, value in named.items() if value}
        self.answer = Answer(body.body, {**body.headers, **said}, status)
