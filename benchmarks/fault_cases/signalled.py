"""SIGTERM and Ctrl-C at random moments: an exit code that says so, a sentence on how to go on, and the same result."""

import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.material import Done, Material, command_line, run_well, surroundings
from fault_cases.sameness import differences, leftovers

from bbc_classifier.training.checkpoints import Checkpoints

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
# Before that the interpreter itself is still starting.
EARLIEST_SECONDS = 1.0
TRAIN, COMPARE = (200, 4), (40, 4)


def signalled(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Interrupt trainings and comparisons by turns, so many of each with each signal, and let them go on."""
    rng = random.Random(seed)
    happened: Counter[str] = Counter()
    unequal = []
    for name, make, (steps, every) in (("train", material.train, TRAIN), ("compare", material.compare, COMPARE)):
        whole = folder / f"{name}-whole"
        life = run_well(make(whole, steps=steps, every=every)).seconds
        for number in range(times):
            for chosen, code in CODES.items():
                place = folder / f"{name}-{chosen.name}-{number}"
                command = make(place, steps=steps, every=every)
                done = _interrupt(command, rng.uniform(EARLIEST_SECONDS, life), chosen, folder / "log.txt")
                # While the interpreter shuts down it has given its handlers back; all is written by then.
                if done.code == 0 or (done.code == -chosen and place.exists() and not differences(whole, place)):
                    happened["all was written before"] += 1
                elif done.code == code and "; " in done.said and done.is_clean:
                    happened["exit code 143 or 130, and one sentence that says how to go on"] += 1
                else:
                    happened[f"{name}: exit code {done.code}: {done.error[-300:]}"] += 1
                run_well([*command, *(_flags(place) if name == "train" and done.code else [])])
                different = differences(whole, place) + leftovers(place)
                unequal += [{name: different}] if different else []
    ended = 2 * times * len(CODES)
    happened["taken to their end as the sentence says, with the files of the undisturbed one"] = ended - len(unequal)
    return {
        "how": "SIGTERM or SIGINT after a random time",
        "times": ended,
        "happened": dict(happened),
        "unequal": unequal,
        "seed": seed,
    }


def _interrupt(arguments: list[str], after: float, number: signal.Signals, log: Path) -> Done:
    with log.open("w", encoding="utf-8") as error:
        process = subprocess.Popen(command_line(arguments), env=surroundings(), stdout=subprocess.DEVNULL, stderr=error)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        code = process.wait(120)
    return Done(code, "", log.read_text(encoding="utf-8"), after)


def _flags(run: Path) -> list[str]:
    return ["--resume_from_checkpoint"] if Checkpoints(run / "checkpoints").all() else []
