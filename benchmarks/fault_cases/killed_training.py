"""A training that is killed again and again, at random moments, and always goes on as a person would let it."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killing import run_and_kill, touched_since
from fault_cases.material import Material
from fault_cases.sameness import differences, leftovers

from bbc_classifier.provenance import file_sha256
from bbc_classifier.training.checkpoints import Checkpoints, fault_of

STEPS, EVERY = 400, 4
# The first line of a validation.
AT_WORK = "epoch "
STARTING, BEGUN, SAVING = "starting up", "before the first checkpoint", "writing a checkpoint"
TRAINING, ENDING, FINISHED = "between two checkpoints", "saving, evaluating, recording", "after the record"


def killed_training(material: Material, folder: Path, *, kills: int, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Kill trainings until so many kills are counted, take each to its end, and compare it with an undisturbed one."""
    rng = random.Random(seed)
    whole = folder / "whole"
    life = run_and_kill(material.train(whole, steps=steps, every=EVERY), None, folder / "log.txt", AT_WORK).life
    weights = file_sha256(whole / "model" / "model.safetensors")
    stages: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    equal, unequal, moments = 0, [], []
    while sum(stages.values()) < kills:
        run = folder / f"killed-{equal + len(unequal)}"
        flags: list[str] = []
        before = sum(stages.values())
        while True:
            command = material.train(run, *flags, steps=steps, every=EVERY)
            enough = sum(stages.values()) >= kills
            killed = run_and_kill(command, None if enough else life.moment(rng), folder / "log.txt", AT_WORK)
            if killed.done is None:
                moments.append(round(killed.seconds, 3))
                stages[_stage(run, killed.started)] += 1
                flags = _how_to_go_on(run)
            elif killed.done.code == 0:
                if sum(stages.values()) == before:
                    # A machine is not always equally fast.
                    life = killed.life
                break
            elif killed.done.code == 2 and "add --overwrite instead" in killed.done.said:
                flags = ["--overwrite"]
            else:
                raise RuntimeError(killed.done.error[-2000:])
            ways[" ".join(flags) or "the same command"] += 1
        different = differences(whole, run) + leftovers(run)
        same_weights = file_sha256(run / "model" / "model.safetensors") == weights
        if different or not same_weights:
            unequal.append({"differs": different, "same weights": same_weights})
        else:
            equal += 1
    return {
        "how": (
            f"SIGKILL at a random moment, half of them while it is at work, of trainings of {steps} steps with dropout "
            f"that save every {EVERY} steps"
        ),
        "times": sum(stages.values()),
        "happened": {
            "runs taken to their end, with the files of the uninterrupted run, weights bit for bit": equal,
            **({"runs with other files": len(unequal)} if unequal else {}),
        },
        "killed while": dict(stages.most_common()),
        "went on with": dict(ways.most_common()),
        "unequal": unequal,
        "seconds of a whole life": round(life.seconds, 1),
        "seed": seed,
        "moments": moments,
    }


def _stage(run: Path, started: float) -> str:
    if not touched_since(run, started):
        return STARTING
    checkpoints = Checkpoints(run / "checkpoints").all()
    if (run / "record.json").is_file():
        return FINISHED
    if (run / "model").exists() or (run / ".model.partial").exists():
        return ENDING
    if not checkpoints:
        return BEGUN
    return SAVING if fault_of(checkpoints[-1]) else TRAINING


def _how_to_go_on(run: Path) -> list[str]:
    """Return what the command asks for: a run with checkpoints has to be told what is to become of it."""
    finished = (run / "record.json").is_file()
    return ["--resume_from_checkpoint"] if Checkpoints(run / "checkpoints").all() and not finished else []
