"""From sockets to requests and from answers to sockets, with the faults in between."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.hub_server.faults import Fault, Faults
from tests.hub_server.messages import Answer, Refusal
from tests.hub_server.routing import Request


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port of the loopback.

    Attributes:
        broken: What the server itself did wrong, which is never part of a test.
    """

    def __init__(self, answer: Callable[[Request], Answer], faults: Faults, requests: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.faults, self.requests = answer, faults, requests
        self.broken: list[Exception] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone away; `broken` holds the rest."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection, with one request after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it would hold back each short answer for 40 ms
    server: LoopbackServer

    def do_GET(self) -> None:
        """Answer a request of any method."""
        address = urlsplit(self.path)
        line = f"{self.command} {address.path}"
        self.server.requests.append(line)
        fault = self.server.faults.meet(line)
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(fault.readable(size))
        if len(body) < size:
            self._break_off()
            return
        query = dict(parse_qsl(address.query))
        asked = Request(self.command, address.path, query, self.headers, body, self.server.url)  # type: ignore[arg-type]
        self._send(self._answer(asked, fault))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _answer(self, request: Request, fault: Fault) -> Answer:
        try:
            fault.before()
            return fault.after(self.server.answer(request))
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:
            self.server.broken.append(error)
            raise

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
        if answer.cut:
            self._break_off()

    def _break_off(self) -> None:
        """Close the connection; what the client still sends is not read."""
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are kept instead."""
