"""A bulk prediction that is killed again and again, at random moments; the same command always goes on."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killing import Life, run_and_kill, touched_since
from fault_cases.material import TOPICS, Material, run_well
from fault_cases.sameness import differences, leftovers

from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json

ROWS, SHARD_ROWS, EVERY_BAD = 30_000, 250, 97
STARTING, SURVEYING, ANSWERING, SUMMING = "starting up", "surveying the input", "answering", "after the last shard"


def killed_prediction(material: Material, folder: Path, *, kills: int, seed: int, rows: int = ROWS) -> dict[str, Any]:
    """Kill predictions until so many kills are counted, take each to its end, compare it with an undisturbed one."""
    rng = random.Random(seed)
    run_well(material.train(folder / "classifier", steps=4, every=4))
    _write_rows(folder / "rows.jsonl", rows)
    whole = folder / "whole"
    command = ["predict", "--model", str(folder / "classifier"), "--input", str(folder / "rows.jsonl")]
    command += ["--shard_rows", str(SHARD_ROWS), "--output"]
    life = _life([*command, str(whole)], whole)
    stages: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while sum(stages.values()) < kills:
        place = folder / f"killed-{equal + len(unequal)}"
        while True:
            enough = sum(stages.values()) >= kills
            killed = run_and_kill([*command, str(place)], 600 if enough else life.moment(rng), folder / "log.txt")
            if killed.done is not None:
                break
            moments.append(round(killed.seconds, 3))
            stages[_stage(place, killed.started)] += 1
        if killed.done.code:
            raise RuntimeError(killed.done.error[-2000:])
        different = _differences(whole, place)
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


def _write_rows(path: Path, rows: int) -> None:
    """Write rows with ids, some of them bad."""
    words = list(TOPICS.values())
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in range(rows):
            text = "" if row % EVERY_BAD == 0 else f"the {words[row % len(words)]} {row}"
            file.write(json.dumps({"id": f"n{row}", "text": text}) + "\n")


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


def _differences(whole: Path, other: Path) -> list[str]:
    """Return what differs but for times: files, and figures of the summary."""
    figures = [read_json(place / "summary.json") for place in (whole, other)]
    same = all(figures[0][name] == figures[1][name] for name in ("rows", "bad_rows", "truncated", "labels", "shards"))
    files = [name for name in differences(whole, other) if name != "summary.json"]
    hashes = [file_sha256(place / "bad_rows.jsonl") for place in (whole, other)]
    return files + leftovers(other) + ([] if same and hashes[0] == hashes[1] else ["summary.json"])
