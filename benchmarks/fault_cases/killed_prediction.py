"""A bulk prediction that is killed again and again, at random moments; the same command always goes on."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killing import run_and_kill, touched_since
from fault_cases.material import Material
from fault_cases.prediction import SHARD_ROWS, make_prediction, other_answers

ROWS = 60_000
# What begins the bar, which a process shows once it answers.
AT_WORK = "predicting:"
STARTING, SURVEYING, ANSWERING, SUMMING = "starting up", "surveying the input", "answering", "after the last shard"


def killed_prediction(material: Material, folder: Path, *, kills: int, seed: int, rows: int = ROWS) -> dict[str, Any]:
    """Kill predictions until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    rng = random.Random(seed)
    prediction = make_prediction(material, folder, rows)
    whole = folder / "whole"
    life = run_and_kill(prediction.into(whole), None, folder / "log.txt", AT_WORK).life
    stages: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while sum(stages.values()) < kills:
        place = folder / f"killed-{equal + len(unequal)}"
        while True:
            enough = sum(stages.values()) >= kills
            moment = None if enough else life.moment(rng)
            killed = run_and_kill(prediction.into(place), moment, folder / "log.txt", AT_WORK)
            if killed.done is not None:
                break
            moments.append(round(killed.seconds, 3))
            stages[_stage(place, killed.started)] += 1
        if killed.done.code:
            raise RuntimeError(killed.done.error[-2000:])
        different = other_answers(whole, place)
        if different:
            unequal.append(different)
        else:
            equal += 1
    return {
        "how": (
            f"SIGKILL at a random moment, half of them while it is at work, of predictions of {rows:,} rows in shards "
            f"of {SHARD_ROWS}"
        ),
        "times": sum(stages.values()),
        "happened": {
            "predictions taken to their end by the same command: every row once, in order, shards byte for byte": equal,
            **({"predictions with other files": len(unequal)} if unequal else {}),
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
    if (folder / "summary.json").is_file() or (folder / "bad_rows.jsonl").is_file():
        return SUMMING
    return ANSWERING if (folder / "shards").exists() else SURVEYING
