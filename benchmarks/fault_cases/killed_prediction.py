"""A bulk prediction that is killed again and again, at random moments; the same command always goes on."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killing import Life, run_and_kill, touched_since
from fault_cases.material import Material, run_well
from fault_cases.prediction import SHARD_ROWS, make_prediction, other_answers

from bbc_classifier.records import read_json

ROWS = 30_000
STARTING, SURVEYING, ANSWERING, SUMMING = "starting up", "surveying the input", "answering", "after the last shard"


def killed_prediction(material: Material, folder: Path, *, kills: int, seed: int, rows: int = ROWS) -> dict[str, Any]:
    """Kill predictions until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    rng = random.Random(seed)
    prediction = make_prediction(material, folder, rows)
    whole = folder / "whole"
    life = _life(prediction.into(whole), whole)
    stages: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while sum(stages.values()) < kills:
        place = folder / f"killed-{equal + len(unequal)}"
        while True:
            enough = sum(stages.values()) >= kills
            killed = run_and_kill(prediction.into(place), 600 if enough else life.moment(rng), folder / "log.txt")
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
        "how": f"SIGKILL after a random time, of predictions of {rows:,} rows in shards of {SHARD_ROWS}",
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


def _life(command: list[str], whole: Path) -> Life:
    """Predict undisturbed; the time of answering is known from the summary."""
    done = run_well(command)
    return Life(done.seconds, done.seconds - read_json(whole / "summary.json")["seconds"])


def _stage(folder: Path, started: float) -> str:
    if not touched_since(folder, started):
        return STARTING
    if (folder / "summary.json").is_file() or (folder / "bad_rows.jsonl").is_file():
        return SUMMING
    return ANSWERING if (folder / "shards").exists() else SURVEYING
