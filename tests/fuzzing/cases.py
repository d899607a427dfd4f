"""One damaged file, one command, and whether it went as every bad input must: refused in a sentence, or read."""

import contextlib
import hashlib
import io
import os
import re
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bbc_classifier.cli import main
from tests.fuzzing.readers import READERS, Reader
from tests.refusals import START

LONGEST = 1100
# What a case may take beside a multiple of what it reads: a list of empty lists takes 25 times its text.
TIMES_FILE = 40
# What only Python says, to whoever wrote the program.
PYTHONS = (
    r"^[^']*error: '[^' ]*'$|object has no attribute|unexpected keyword|not subscriptable|unsupported operand|"
    r"indices must be|is not iterable|not supported between|must be str|__init__|positional argument|NoneType"
)
# Where ours says what it means, the library's words may follow.
OURS = "cannot be loaded|cannot be computed with"
# The tokenizers' own line about damaged files, in front of our sentence, cannot be held back.
UNMEANT = ("Traceback", "--debug", "Logging error", "Exception ignored")


@dataclass
class Outcome:
    """What came of a case.

    Attributes:
        code: The exit code; None where the command did not end by itself.
        accepted: Whether the damaged file was read for a whole one.
        message: The sentence of a refusal.
        seconds: How long the command took.
        peak_mib: How much memory it took at most, beside what the process had.
        faults: What went as it must not.
    """

    code: int | None
    accepted: bool
    message: str
    seconds: float
    peak_mib: float
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_case(name: str, number: int, seed: int, specimens: Path, place: Path, said: Callable[[], str]) -> Outcome:
    """Damage a copy of the specimens, run the command there, and judge.

    Args:
        name: The reader.
        number: The case; with the seed it says all that is drawn.
        seed: The seed.
        specimens: Whole files.
        place: A folder of the case's own, which is removed at the end.
        said: Returns and forgets what was written to the standard error.
    """
    reader = READERS[name]
    rng = Random(f"{seed} {name} {number}")
    place.mkdir()
    for file in reader.files:
        whole = specimens / file
        shutil.copytree(whole, place / file) if whole.is_dir() else _copy(whole, place / file)
    reader.damage(place, rng)
    try:
        return _run(reader, list(reader.commands[number % len(reader.commands)]), place, said)
    finally:
        _remove(place)


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, to)


def _remove(place: Path) -> None:
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o700)
    shutil.rmtree(place)


def _run(reader: Reader, argv: list[str], place: Path, said: Callable[[], str]) -> Outcome:
    before, size = contents(place), sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    said()
    here, started = Path.cwd(), time.perf_counter()
    resident = _forget_peak()
    code, broken, out = None, "", io.StringIO()
    os.chdir(place)
    try:
        with contextlib.redirect_stdout(out):
            code = main(argv)
    except BaseException:
        broken = traceback.format_exc()
    finally:
        os.chdir(here)
    seconds, peak = time.perf_counter() - started, (_status("VmHWM") - resident) / 1024
    text = said()
    if reader.works_on and code == 1 and "Failed: " in out.getvalue():
        # A cell that failed is told, and the others go on: that is not the end of the command.
        text += START + out.getvalue().partition("Failed: ")[2].partition("\n")[0]
    message = next((line.removeprefix(START) for line in text.splitlines() if line.startswith(START)), "")
    accepted = code == 0 or bool(code == 2 and reader.accepted and reader.accepted in message)
    faults = [broken[-1500:]] if broken else faults_of(code, text)
    after = contents(place)
    changed = sorted(set(after.items()) ^ set(before.items()))
    if code and changed and (not reader.works_on or any(".partial" in name for name in after)):
        faults.append(f"left something behind: {changed[:3]}")
    if seconds > reader.at_most:
        faults.append(f"took {seconds:.0f} s")
    if peak > reader.most_mib + TIMES_FILE * size / 2**20:
        faults.append(f"took {peak:,.0f} MiB for files of {size / 2**20:.1f} MiB")
    return Outcome(code, accepted, message[:300], round(seconds, 3), round(peak, 1), faults)


def faults_of(code: int | None, text: str) -> list[str]:
    """Return what is wrong with how a command ended: its exit code, and what it wrote to the standard error."""
    faults = [f"{word}: {text[-1500:]}" for word in UNMEANT if word in text][:1]
    if code not in (0, 1, 2):
        faults.append(f"exit code {code}")
    errors = [line for line in text.splitlines() if line.startswith(START)]
    if len(errors) != (0 if code == 0 else 1):
        faults.append(f"{len(errors)} sentences with exit code {code}: {text[-300:]}")
    if any(len(line) > LONGEST for line in errors):
        faults.append(f"a sentence of {max(map(len, errors))} characters")
    if any(re.search(PYTHONS, line) and not re.search(OURS, line) for line in errors):
        faults.append(f"a sentence of Python's: {errors}")
    if any(re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line) for line in errors):
        faults.append(f"characters that steer a terminal: {errors}")
    return faults


def contents(folder: Path) -> dict[str, str]:
    """Return a hash of every file in a folder and what every other thing there is, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = os.fsdecode(os.fsencode(path.relative_to(folder)))
        if path.is_symlink() or not path.is_file():
            found[name] = "folder" if path.is_dir() else "special"
        elif os.access(path, os.R_OK):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _forget_peak() -> int:
    """Let the peak of the process begin anew; return what it holds, in KiB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    """Return a figure of the process in KiB; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
