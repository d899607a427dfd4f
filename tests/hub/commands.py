"""Our command line in a process of its own, whose Hub is on the loopback; it is started once for many commands."""

from dataclasses import dataclass

from tests.hub_server import TOKEN
from tests.line_process import LineProcess


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
        log: Returns everything the process itself has written to its standard error.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.said = ""
        self._process = LineProcess("tests.hub.command_process", environment)
        self.log = self._process.log

    def __enter__(self) -> "Commands":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def __call__(self, *arguments: object, token: str | None = TOKEN) -> Done:
        """Run a command with a token in its environment, or without any."""
        done = Done(**self._process.ask(list(map(str, arguments)), token))
        self.said += done.out + done.err
        return done
