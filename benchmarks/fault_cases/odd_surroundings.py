"""Clocks, locales and file systems as they are on some machines: all works as elsewhere, or says what it needs."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fault_cases.material import Done, Material, command_line, run, surroundings
from fault_cases.sameness import differences
from fault_cases.small_disk import why_no_small_disk

STEPS, EVERY = 12, 4
# How a command line and an environment become another one; why not, where this machine cannot.
Change = Callable[[list[str], dict[str, str]], tuple[list[str], dict[str, str]]]
YEAR_1970, YEAR_2100 = 3600.0, 4102444800.0


def odd_surroundings(material: Material, folder: Path, *, only: str | None = None) -> dict[str, Any]:
    """Train, answer a file, compare and report in each of the surroundings; the files have to be those of usual ones.

    Args:
        material: Encoder and articles.
        folder: Where to work.
        only: The name of the one to try; None tries all.
    """
    _works(material, folder / "usual", lambda command, environment: (command, environment))
    happened: Counter[str] = Counter()
    skipped, faults = {}, {}
    for name, (change, missing) in _changes(folder).items():
        if only not in (None, name):
            continue
        if missing:
            skipped[name] = missing
            continue
        place = folder / "".join(letter if letter.isalnum() else "-" for letter in name)
        fault, came = _what_came(material, folder, place, change)
        happened[came] += 1
        if fault:
            faults[name] = fault
    return {
        "how": "train, predict, compare and report with a clock, a locale or a file system that few have",
        "times": sum(happened.values()),
        "happened": dict(happened),
        "tried": [name for name, (_, missing) in _changes(folder).items() if not missing and only in (None, name)],
        "skipped": skipped,
        "faults": faults,
    }


def _what_came(material: Material, folder: Path, place: Path, change: Change) -> tuple[str | None, str]:
    """Return what is wrong with how the commands ended, or None, and how they ended."""
    done = _works(material, place, change)[-1]
    if done.code:
        told = done.code == 1 and done.is_clean and "; " in done.said and "--debug" not in done.said
        return (None, "one sentence that says what it needs") if told else (done.error[-1500:], "something else")
    different = [name for part in ("run", "grid") for name in differences(folder / "usual" / part, place / part)]
    usual, odd = ((each / "answers.csv").read_bytes() for each in (folder / "usual", place))
    if different or usual != odd:
        return f"differs: {different or 'answers.csv'}", "something else"
    return None, "the same files as usual"


def _works(material: Material, place: Path, change: Change) -> list[Done]:
    """Return how each command ended, up to the first one that failed."""
    place.mkdir()
    answers = ["--input", str(material.articles), "--output", str(place / "answers.csv")]
    ended = []
    for command in (
        material.train(place / "run", steps=STEPS, every=EVERY),
        ["predict", "--model", str(place / "run"), *answers],
        material.compare(place / "grid", steps=2, every=2),
        ["report", str(place / "grid"), "--output_dir", str(place / "report")],
    ):
        line, environment = change(command_line(command), surroundings())
        ended.append(run(line, environment=environment))
        if ended[-1].code:
            break
    return ended


def _changes(folder: Path) -> dict[str, tuple[Change, str | None]]:
    """Return each of the surroundings, and why this machine cannot make it."""
    faketime = None if shutil.which("faketime") else "faketime is not installed"
    turkish = _turkish_locale(folder)
    mounts = why_no_small_disk() or (None if shutil.which("unshare") else "needs unshare")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    bare = {"HOME": str(home), "HF_HOME": None, "MPLCONFIGDIR": None, "XDG_CACHE_HOME": None}
    nowhere = {**bare, "HOME": "/nonexistent"}
    return {
        "LC_ALL=C, no UTF-8 mode": (_with({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}), None),
        "LC_ALL=tr_TR.UTF-8": (
            _with({"LC_ALL": "tr_TR.UTF-8", "LOCPATH": str(folder)}),
            None if turkish else "the locale cannot be made",
        ),
        "TZ=Pacific/Kiritimati": (_with({"TZ": "Pacific/Kiritimati"}), None),
        "the clock in 1970": (_before(["faketime", "1970-01-02 00:00:00"]), faketime),
        "the clock in 2100": (_before(["faketime", "2100-01-01 00:00:00"]), faketime),
        "files from 1970": (_dated(folder, YEAR_1970), None),
        "files from 2100": (_dated(folder, YEAR_2100), None),
        "no home": (_with(nowhere), None),
        "a read-only home": (_mounted(f"mount -t tmpfs -o ro tmpfs {home}", bare), mounts),
        "no /dev/shm": (_mounted("mount -t tmpfs -o ro tmpfs /dev/shm", {}), mounts),
        "no /dev/shm, two loading processes": (
            _mounted("mount -t tmpfs -o ro tmpfs /dev/shm", {}, ["--dataloader_num_workers", "2"]),
            mounts,
        ),
    }


def _with(changes: dict[str, str | None], flags: list[str] | None = None) -> Change:
    def change(command: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        kept = {name: value for name, value in environment.items() if name not in changes}
        trains = {"train", "compare"} & set(command)
        return [*command, *(flags or [] if trains else [])], {
            **kept,
            **{name: value for name, value in changes.items() if value is not None},
        }

    return change


def _before(prefix: list[str]) -> Change:
    return lambda command, environment: ([*prefix, *command], environment)


def _mounted(mount: str, changes: dict[str, str | None], flags: list[str] | None = None) -> Change:
    """Return the change to a process that sees file systems of its own, with one more mounted."""

    def change(command: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        command, environment = _with(changes, flags)(command, environment)
        return ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *command], environment

    return change


def _dated(folder: Path, moment: float) -> Change:
    """Return the change that gives encoder and articles a date."""

    def change(command: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        for path in folder.parent.rglob("*"):
            if path.is_file():
                os.utime(path, (moment, moment))
        return command, environment

    return change


def _turkish_locale(folder: Path) -> bool:
    if not shutil.which("localedef"):
        return False
    place = folder / "tr_TR.UTF-8"
    if not place.exists():
        subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(place)], capture_output=True)
    return place.exists()
