"""A bulk prediction that is killed again and again, at random moments; the same command always goes on."""

from pathlib import Path
from typing import Any

from fault_cases.killing import HOW, Fate, killed_till_done, touched_since
from fault_cases.material import Material
from fault_cases.prediction import SHARD_ROWS, make_prediction, other_answers

ROWS = 60_000
# What begins the bar, which a process shows once it answers.
AT_WORK = "predicting:"
STARTING, SURVEYING, ANSWERING, SUMMING = "starting up", "surveying the input", "answering", "after the last shard"


def killed_prediction(material: Material, folder: Path, *, kills: int, seed: int, rows: int = ROWS) -> dict[str, Any]:
    """Kill predictions until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    prediction = make_prediction(material, folder, rows)
    fate = Fate(into=prediction.into, word=AT_WORK, stage=_stage, different=other_answers)
    counted = killed_till_done(fate, folder, kills=kills, seed=seed)
    equal, unequal = counted.pop("equal"), len(counted["unequal"])
    return {
        "how": f"{HOW}, of predictions of {rows:,} rows in shards of {SHARD_ROWS}",
        "happened": {
            "predictions taken to their end by the same command: every row once, in order, shards byte for byte": equal,
            **({"predictions with other files": unequal} if unequal else {}),
        },
        **counted,
    }


def _stage(folder: Path, started: float) -> str:
    if not touched_since(folder, started):
        return STARTING
    if (folder / "summary.json").is_file() or (folder / "bad_rows.jsonl").is_file():
        return SUMMING
    return ANSWERING if (folder / "shards").exists() else SURVEYING
