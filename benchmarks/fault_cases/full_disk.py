"""A disk that gets full while something is written: one sentence, what was there stays, and after that all goes on."""

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.material import Done, Material, command_line, run, run_well
from fault_cases.sameness import differences
from fault_cases.small_disk import ROOMY, SmallDisk, small_disk

from bbc_classifier.comparison.report import CONTENTS as REPORT
from bbc_classifier.provenance import file_sha256
from bbc_classifier.training.checkpoints import Checkpoints, fault_of

STEPS, EVERY = 12, 4
SAID = re.compile(r"no space is left on the disk for '.*/([^/]+)'; make room there, then|No space left on device$")


def full_disk(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Fill the disk of every command that writes, so many times with another number of bytes left."""
    rng = random.Random(seed)
    happened: Counter[str] = Counter()
    written: Counter[str] = Counter()
    faults: list[str] = []
    with small_disk(folder / "disk") as disk:
        for number in range(times):
            _train(material, folder, disk, rng, number, happened, written, faults)
        run_folder = folder / "disk" / "run-0"
        for name, command, output in _writers(material, run_folder):
            run_well(command)
            # Of a comparison that is finished, the report alone is written.
            size = sum(_size(output / part) for part in REPORT) if name == "compare" else _size(output)
            before = _hashes(output)
            for _ in range(times):
                disk.leave(rng.randrange(0, size))
                done = run(command_line(command))
                disk.resize(ROOMY)
                if done.code == 0:
                    happened["there was room enough"] += 1
                    continue
                _note(name, done, written, happened, faults)
                if _hashes(output) != before:
                    faults.append(f"{name}: what was there is another")
                if strangers := sorted(path.name for path in output.parent.glob(f".{output.name}*")):
                    faults.append(f"{name}: left {strangers}")
            run_well(command)
    return {
        "how": "a disk of random size, from nothing to nearly enough, under each command that writes",
        "times": sum(happened.values()),
        "happened": dict(happened),
        "could not be written": dict(written.most_common()),
        "faults": faults,
        "seed": seed,
    }


def _train(
    material: Material,
    folder: Path,
    disk: SmallDisk,
    rng: random.Random,
    number: int,
    happened: Counter[str],
    written: Counter[str],
    faults: list[str],
) -> None:
    """Train on a disk that is too small, make room, and do what the sentence says."""
    whole = folder / "whole"
    if not whole.exists():
        run_well(material.train(whole, "--save_total_limit", "5", steps=STEPS, every=EVERY))
    place = disk.place / f"run-{number}"
    command = material.train(place, "--save_total_limit", "5", steps=STEPS, every=EVERY)
    # What the whole run needs at most is unknown; what a finished one takes, with three checkpoints, is near.
    disk.leave(rng.randrange(0, 6 * _size(whole / "model")))
    done = run(command_line(command))
    checkpoints = Checkpoints(place / "checkpoints").all()
    if broken := [path.name for path in checkpoints if fault_of(path)]:
        faults.append(f"train: left {broken}")
    if halves := [path.name for path in place.rglob("*.partial")] if place.exists() else []:
        faults.append(f"train: left {halves}")
    disk.resize(ROOMY)
    if done.code == 0:
        happened["there was room enough"] += 1
    else:
        _note("train", done, written, happened, faults)
        resume = ["--resume_from_checkpoint"] if "--resume_from_checkpoint" in done.said else []
        run_well([*command, *resume])
    if different := differences(whole, place):
        faults.append(f"train: other files than with room enough: {different}")


def _writers(material: Material, run_folder: Path) -> list[tuple[str, list[str], Path]]:
    """Return the commands that write onto the disk, over what they wrote before, and where."""
    disk = run_folder.parent
    model, data = ["--model", str(run_folder)], ["--dataset", str(material.articles)]
    answers = ["predict", *model, "--input", str(material.articles), "--overwrite", "--output"]
    return [
        *(
            (f"predict ({ending})", [*answers, str(disk / f"answers{ending}")], disk / f"answers{ending}")
            for ending in (".csv", ".parquet", ".jsonl")
        ),
        ("evaluate", ["evaluate", *model, *_into(disk / "evaluation")], disk / "evaluation"),
        ("audit", ["audit", *data, *_into(disk / "audit")], disk / "audit"),
        ("card", ["card", str(run_folder), "--output", str(disk / "card.md"), "--overwrite"], disk / "card.md"),
        ("compare", material.compare(disk / "grid", steps=2, every=2), disk / "grid"),
        ("report", ["report", str(disk / "grid"), *_into(disk / "again")], disk / "again"),
    ]


def _into(folder: Path) -> list[str]:
    return ["--output_dir", str(folder), "--overwrite"]


def _note(name: str, done: Done, written: Counter[str], happened: Counter[str], faults: list[str]) -> None:
    found = SAID.search(done.said)
    if done.code == 1 and found and done.is_clean:
        happened["exit code 1, one sentence that says where and what to do; what was there untouched"] += 1
        written[f"{name}: {re.sub(r'checkpoint-[0-9]+|run-[0-9]+', 'N', found[1] or 'the folder')}"] += 1
    else:
        happened["something else"] += 1
        faults.append(f"{name}: {done.error[-500:]}")


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in ([place] if place.is_file() else place.rglob("*")))


def _hashes(place: Path) -> dict[str, str]:
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return {str(path): file_sha256(path) for path in files}
