"""A comparison that is killed again and again, at random moments; the same command always goes on."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killing import run_and_kill, touched_since
from fault_cases.material import Material
from fault_cases.sameness import differences, leftovers

STEPS, EVERY = 40, 4
AT_WORK = "cell "
STARTING, BETWEEN, TRAINING, REPORTING = "starting up", "between two cells", "inside a cell", "writing the report"


def killed_comparison(material: Material, folder: Path, *, kills: int, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Kill comparisons until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    rng = random.Random(seed)
    whole = folder / "whole"
    life = run_and_kill(material.compare(whole, steps=steps, every=EVERY), None, folder / "log.txt", AT_WORK).life
    stages: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while sum(stages.values()) < kills:
        place = folder / f"killed-{equal + len(unequal)}"
        command = material.compare(place, steps=steps, every=EVERY)
        before = sum(stages.values())
        while True:
            enough = sum(stages.values()) >= kills
            killed = run_and_kill(command, None if enough else life.moment(rng), folder / "log.txt", AT_WORK)
            if killed.done is not None:
                if sum(stages.values()) == before:
                    # A machine is not always equally fast.
                    life = killed.life
                break
            moments.append(round(killed.seconds, 3))
            stages[_stage(place, killed.started)] += 1
        if killed.done.code:
            raise RuntimeError(killed.done.error[-2000:])
        different = differences(whole, place) + leftovers(place)
        if different:
            unequal.append(different)
        else:
            equal += 1
    return {
        "how": (
            "SIGKILL at a random moment, half of them while it is at work, of comparisons of 4 trainings of "
            f"{steps} steps and 6 baselines"
        ),
        "times": sum(stages.values()),
        "happened": {
            "comparisons taken to their end by the same command, with the files and figures of the uninterrupted one": (
                equal
            ),
            **({"comparisons with other files": len(unequal)} if unequal else {}),
        },
        "killed while": dict(stages.most_common()),
        "unequal": unequal,
        "seconds of a whole life": round(life.seconds, 1),
        "seed": seed,
        "moments": moments,
    }


def _stage(folder: Path, started: float) -> str:
    if not touched_since(folder, started):
        return STARTING
    if touched_since(folder / "titles.json", started) and (folder / "titles.json").is_file():
        return REPORTING
    cells = [path for path in (folder / "runs").glob("*") if touched_since(path, started)]
    return TRAINING if any(not (path / "record.json").is_file() for path in cells) else BETWEEN
