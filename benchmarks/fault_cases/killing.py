"""A process that is killed at a random moment, and where it was then."""

import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fault_cases.material import Done, command_line, surroundings

# The clock of a file system may be coarser than that of the process.
CLOCK_SECONDS = 0.02
LOOK_SECONDS = 0.005
FOREVER_SECONDS = 900.0


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after the start, or after the process has said that it is at work."""

    seconds: float
    at_work: bool


@dataclass(frozen=True)
class Life:
    """How long an undisturbed process lives, and from when on it is at work; in seconds."""

    seconds: float
    at_work: float

    def moment(self, rng: random.Random) -> Moment:
        """Return a moment to kill at: every second one anywhere in a life, the others while it is at work."""
        if rng.random() < 0.5:
            return Moment(rng.uniform(0, self.seconds), at_work=False)
        return Moment(rng.uniform(0, self.seconds - self.at_work), at_work=True)


@dataclass(frozen=True)
class Killed:
    """What came of a process that was to be killed.

    Attributes:
        done: How it ended, where it ended before.
        started: When it was started.
        at_work: So many seconds after its start it said that it was at work; None where it did not.
        seconds: So many seconds after its start it ended, one way or the other.
    """

    done: Done | None
    started: float
    at_work: float | None
    seconds: float

    @property
    def life(self) -> Life:
        """What an undisturbed process's life was."""
        return Life(self.seconds, self.at_work or 0.0)


def run_and_kill(arguments: Sequence[str], moment: Moment | None, log: Path, word: str) -> Killed:
    """Start a command, and send it SIGKILL at a moment if it still runs.

    Args:
        arguments: The command.
        moment: When; None lets it run to its end.
        log: Where its standard error goes.
        word: What is in there once it is at work.
    """
    started = time.time() - CLOCK_SECONDS
    at_work = None
    with log.open("w", encoding="utf-8") as error:
        process = subprocess.Popen(command_line(arguments), env=surroundings(), stdout=subprocess.DEVNULL, stderr=error)
        while process.poll() is None:
            now = time.time() - started
            if at_work is None and word in log.read_text(encoding="utf-8", errors="replace"):
                at_work = now
            if moment is not None and _has_come(moment, now, at_work):
                process.kill()
            if now > FOREVER_SECONDS:
                process.kill()
                raise RuntimeError(f"{arguments[0]} hangs: {log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(LOOK_SECONDS)
    seconds = time.time() - started
    if process.returncode == -9:
        return Killed(None, started, at_work, seconds)
    done = Done(process.returncode, "", log.read_text(encoding="utf-8", errors="replace"), seconds)
    return Killed(done, started, at_work, seconds)


def _has_come(moment: Moment, now: float, at_work: float | None) -> bool:
    begin = at_work if moment.at_work else 0.0
    return begin is not None and now - begin >= moment.seconds


def touched_since(folder: Path, moment: float) -> bool:
    """Whether anything in a folder was written after a moment."""
    return folder.exists() and any(path.lstat().st_mtime >= moment for path in [folder, *folder.rglob("*")])
