"""A comparison that is killed again and again, at random moments; the same command always goes on."""

from pathlib import Path
from typing import Any

from fault_cases.killing import HOW, Fate, killed_till_done, touched_since
from fault_cases.material import Material
from fault_cases.sameness import differences, leftovers

STEPS, EVERY = 40, 4
AT_WORK = "cell "
STARTING, BETWEEN, TRAINING, REPORTING = "starting up", "between two cells", "inside a cell", "writing the report"


def killed_comparison(material: Material, folder: Path, *, kills: int, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Kill comparisons until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    fate = Fate(
        into=lambda place: material.compare(place, steps=steps, every=EVERY),
        word=AT_WORK,
        stage=_stage,
        different=lambda whole, place: differences(whole, place) + leftovers(place),
    )
    counted = killed_till_done(fate, folder, kills=kills, seed=seed)
    equal, unequal = counted.pop("equal"), len(counted["unequal"])
    return {
        "how": f"{HOW}, of comparisons of 4 trainings of {steps} steps and 6 baselines",
        "happened": {
            "comparisons taken to their end by the same command, with the files and figures of the uninterrupted one": (
                equal
            ),
            **({"comparisons with other files": unequal} if unequal else {}),
        },
        **counted,
    }


def _stage(folder: Path, started: float) -> str:
    if not touched_since(folder, started):
        return STARTING
    if touched_since(folder / "titles.json", started) and (folder / "titles.json").is_file():
        return REPORTING
    cells = [path for path in (folder / "runs").glob("*") if touched_since(path, started)]
    return TRAINING if any(not (path / "record.json").is_file() for path in cells) else BETWEEN
