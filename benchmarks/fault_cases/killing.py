"""A process that is killed at a random moment, and where it was then."""

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_cases.material import Done, command_line, surroundings

HOW = "SIGKILL at a random moment, half of them while it is at work"
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


@dataclass(frozen=True)
class Fate:
    """What of a command that is killed again and again is its own.

    Attributes:
        into: The command, by the folder that it writes.
        word: What it says once it is at work.
        stage: Where it was, by its folder and when it was started.
        different: What of a folder is not as in another.
    """

    into: Callable[[Path], Sequence[str]]
    word: str
    stage: Callable[[Path, float], str]
    different: Callable[[Path, Path], list[str]]


def killed_till_done(fate: Fate, folder: Path, *, kills: int, seed: int) -> dict[str, Any]:
    """Kill a command until so many kills are counted, and always give it again, until it is done.

    Returns:
        How often it was killed and where it was then, how many folders in the end are `equal` to an undisturbed one,
        and what is `unequal` in the others.
    """
    rng = random.Random(seed)
    log, whole = folder / "log.txt", folder / "whole"
    life = run_and_kill(fate.into(whole), None, log, fate.word).life
    stages: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while stages.total() < kills:
        place = folder / f"killed-{equal + len(unequal)}"
        before = stages.total()
        while True:
            moment = life.moment(rng) if stages.total() < kills else None
            killed = run_and_kill(fate.into(place), moment, log, fate.word)
            if killed.done is not None:
                break
            moments.append(round(killed.seconds, 3))
            stages[fate.stage(place, killed.started)] += 1
        if killed.done.code:
            raise RuntimeError(killed.done.error[-2000:])
        if stages.total() == before:
            # A machine is not always equally fast.
            life = killed.life
        different = fate.different(whole, place)
        equal += not different
        unequal += [different] if different else []
    return {
        "times": stages.total(),
        "equal": equal,
        "killed while": dict(stages.most_common()),
        "unequal": unequal,
        "seconds of a whole life": round(life.seconds, 1),
        "seed": seed,
        "moments": moments,
    }
