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


@dataclass(frozen=True)
class Life:
    """How long an undisturbed process lives, and from when on it does more than load libraries; in seconds."""

    seconds: float
    loaded: float

    def seen(self, seconds: float) -> "Life":
        """Return what a life is now that an undisturbed one took so long: a machine is not always equally fast."""
        return Life(seconds, self.loaded * seconds / self.seconds)

    def moment(self, rng: random.Random) -> float:
        """Return a moment to kill at: every second one anywhere, the others while it is at work."""
        return rng.uniform(0.0 if rng.random() < 0.5 else self.loaded, self.seconds)


@dataclass(frozen=True)
class Killed:
    """What came of a process that was to be killed: it ended before (`done`), or was killed after `seconds`."""

    done: Done | None
    seconds: float
    started: float


def run_and_kill(arguments: Sequence[str], after: float, log: Path) -> Killed:
    """Start a command, and send it SIGKILL after so many seconds if it still runs."""
    started = time.time() - CLOCK_SECONDS
    with log.open("w", encoding="utf-8") as error:
        process = subprocess.Popen(command_line(arguments), env=surroundings(), stdout=subprocess.DEVNULL, stderr=error)
        try:
            code = process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Killed(None, after, started)
    return Killed(Done(code, "", log.read_text(encoding="utf-8"), time.time() - started), after, started)


def touched_since(folder: Path, moment: float) -> bool:
    """Whether anything in a folder was written after a moment."""
    return folder.exists() and any(path.lstat().st_mtime >= moment for path in [folder, *folder.rglob("*")])
