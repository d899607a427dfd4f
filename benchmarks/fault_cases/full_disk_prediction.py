"""A disk that gets full under a bulk prediction: what is whole stays, and with room the same command goes on."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.full_disk import SAID
from fault_cases.material import Material, command_line, run, run_well
from fault_cases.prediction import make_prediction, other_answers
from fault_cases.small_disk import ROOMY, small_disk

ROWS = 4_000


def full_disk_prediction(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Answer onto a disk that is too small, make room, and answer the rest."""
    rng = random.Random(seed)
    happened: Counter[str] = Counter()
    faults: list[str] = []
    prediction = make_prediction(material, folder, ROWS)
    whole = folder / "whole"
    run_well(prediction.into(whole))
    size = sum(path.stat().st_size for path in whole.rglob("*"))
    with small_disk(folder / "disk") as disk:
        for number in range(times):
            place = disk.place / f"answers-{number}"
            disk.leave(rng.randrange(0, size))
            done = run(command_line(prediction.into(place)))
            halves = [path.name for path in place.rglob("*.partial")] if place.exists() else []
            disk.resize(ROOMY)
            if done.code == 0:
                happened["there was room enough"] += 1
            elif done.code == 1 and SAID.search(done.said) and done.is_clean and not halves:
                happened["exit code 1, one sentence that says where; the same command then gave every row once"] += 1
            else:
                happened["something else"] += 1
                faults.append(f"{halves} {done.error[-500:]}")
            run_well(prediction.into(place))
            if different := other_answers(whole, place):
                faults.append(f"other answers than with room enough: {different}")
    return {
        "how": "a disk of random size, from nothing to nearly enough, under the folder of the answers",
        "times": sum(happened.values()),
        "happened": dict(happened),
        "faults": faults,
        "seed": seed,
    }
