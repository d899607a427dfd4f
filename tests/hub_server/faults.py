"""What goes wrong, where, and how often.

A fault strikes the requests whose "METHOD /path" its pattern is found in, `times` times or, if that is None, always.
What the client makes of each is written down in `test_faults.py`.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from re import search

from tests.hub_server.messages import Answer, Refusal


@dataclass
class Fault:
    """A fault that does nothing: each kind overrides what it spoils.

    Attributes:
        struck: How many requests it has met.
    """

    pattern: str
    times: int | None = 1
    struck: int = field(default=0, init=False)

    def meets(self, line: str) -> bool:
        return (self.times is None or self.struck < self.times) and search(self.pattern, line) is not None

    def readable(self, size: int) -> int:
        """Return how much of an upload is read before the connection breaks."""
        return size

    def before(self) -> None:
        """Refuse the request instead of answering it, or take time."""

    def after(self, answer: Answer) -> Answer:
        """Return what is sent in place of the answer to a request that was carried out."""
        return answer


@dataclass
class Status(Fault):
    """The request is not carried out; the answer is an error."""

    status: int = 503
    message: str = "The service is in trouble"
    headers: Mapping[str, str] = field(default_factory=dict)

    def before(self) -> None:
        raise Refusal(self.status, self.message, headers=self.headers)


def retry_after(pattern: str, seconds: int, times: int | None = 1) -> Status:
    """Return a rate limit that says how long to wait in the standard's own header."""
    return Status(pattern, times, 429, "Too many requests", {"Retry-After": str(seconds)})


def rate_limit(pattern: str, seconds: int, times: int | None = 1) -> Status:
    """Return a rate limit in the words of the IETF's draft, which the Hub uses."""
    told = {"RateLimit": f'"api";r=0;t={seconds}', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    return Status(pattern, times, 429, "Too many requests", told)


@dataclass
class CutUpload(Fault):
    """The connection breaks when half of the body has come; the request is not carried out."""

    def readable(self, size: int) -> int:
        return size // 2


@dataclass
class CutAnswer(Fault):
    """The connection breaks when half of the answer is sent; the request was carried out."""

    def after(self, answer: Answer) -> Answer:
        return replace(answer, cut=True)


@dataclass
class Truncated(Fault):
    """The answer ends after its first half and says that this is all."""

    def after(self, answer: Answer) -> Answer:
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@dataclass
class BitFlipped(Fault):
    """One bit in the middle of the answer is another."""

    def after(self, answer: Answer) -> Answer:
        body = bytearray(answer.body)
        body[len(body) // 2] ^= 1
        return replace(answer, body=bytes(body))


@dataclass
class Slow(Fault):
    """The answer takes so many seconds, or until the server closes."""

    seconds: float = 1.0
    closing: threading.Event = field(default_factory=threading.Event)

    def before(self) -> None:
        self.closing.wait(self.seconds)


NO_FAULT = Fault("")


class Faults:
    """The faults that wait for their requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def meet(self, line: str) -> Fault:
        """Return the first fault that this request meets."""
        with self._lock:
            met = next((fault for fault in self._waiting if fault.meets(line)), NO_FAULT)
            met.struck += 1
        return met

    def close(self) -> None:
        """Let go of the requests that are kept waiting."""
        for fault in self._waiting:
            if isinstance(fault, Slow):
                fault.closing.set()
