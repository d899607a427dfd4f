"""Bits that flip and files that are cut short, in checkpoints and in finished classifiers."""

import logging
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.killed_training import AT_WORK
from fault_cases.killing import Moment, run_and_kill
from fault_cases.material import Material, command_line, run, run_well

from bbc_classifier.errors import InputError
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.provenance import file_sha256
from bbc_classifier.training.checkpoints import Checkpoints, fault_of

STEPS, EVERY = 200, 4
TEXTS = ["goal match 7", "shares market 3", "phone software 5", "the goal 12"]


def damaged_checkpoints(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Damage every file of a checkpoint, so many times by a bit and so many by its length, and let runs go on."""
    rng = random.Random(seed)
    whole, broken = folder / "whole", folder / "broken"
    command = material.train(broken, "--save_total_limit", "9", steps=STEPS, every=EVERY)
    run_well(material.train(whole, "--save_total_limit", "9", steps=STEPS, every=EVERY))
    checkpoints = _killed_with_checkpoints(command, broken, folder)
    newest = checkpoints.all()[-1]
    files = sorted(path.name for path in newest.iterdir())
    found: Counter[str] = Counter()
    for name in files:
        content = (newest / name).read_bytes()
        for damage in (_flip, _cut):
            for _ in range(times):
                (newest / name).write_bytes(damage(content, rng))
                found["passed over" if fault_of(newest) else f"not noticed: {name}"] += 1
        (newest / name).write_bytes(content)
    if fault_of(newest):
        raise RuntimeError("the checkpoint that was mended is not whole")
    _went_on(command, broken, whole, files, rng, times, folder, found)
    return {
        "how": f"in each of the {len(files)} files of a checkpoint a bit flipped, or the end cut off, at random places",
        "times": sum(found.values()),
        "happened": dict(found),
        "seed": seed,
    }


def damaged_weights(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Damage the weights of finished runs: each is refused by name."""
    rng = random.Random(seed)
    finished = folder / "run"
    run_well(material.train(finished, steps=STEPS, every=EVERY))
    weights = finished / "model" / "model.safetensors"
    content = weights.read_bytes()
    found: Counter[str] = Counter()
    for damage in (_flip, _cut):
        for number in range(times):
            weights.write_bytes(damage(content, rng))
            found[_opened(finished)] += 1
            if number == 0:
                for command in (["predict", "--model", str(finished), "goal"], ["evaluate", "--model", str(finished)]):
                    done = run(command_line(command), folder=folder)
                    named = "model.safetensors" in done.said or "cannot be loaded" in done.said
                    found["refused in one sentence" if done.code == 2 and named else done.error[-300:]] += 1
    weights.write_bytes(content)
    return {
        "how": "in the weights of a finished run a bit flipped, or the end cut off, at random places",
        "times": sum(found.values()),
        "happened": dict(found),
        "seed": seed,
    }


def damaged_settings(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Damage what lies beside the weights, which no hash covers: no traceback, and what came of it is counted."""
    rng = random.Random(seed)
    finished = folder / "run"
    run_well(material.train(finished, steps=STEPS, every=EVERY))
    answers = [answer.probabilities for answer in NewsClassifier.from_pretrained(str(finished)).predict(TEXTS)]
    found: Counter[str] = Counter()
    by_file: Counter[str] = Counter()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        file = finished / "model" / name
        content = file.read_bytes()
        for _ in range(times):
            file.write_bytes(_flip(content, rng))
            came = _opened(finished, answers)
            found[came] += 1
            by_file[f"{name}: {came}"] += 1
        file.write_bytes(content)
    return {
        "how": "a bit flipped in the settings or the tokenizer of a finished run, at random places",
        "times": sum(found.values()),
        "happened": dict(found),
        "by file": dict(by_file),
        "seed": seed,
    }


def _opened(finished: Path, answers: list[dict[str, float]] | None = None) -> str:
    """Return what comes of answering with a damaged classifier."""
    logging.disable()
    try:
        given = NewsClassifier.from_pretrained(str(finished)).predict(TEXTS)
    except InputError:
        return "refused in one sentence"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        logging.disable(logging.NOTSET)
    return "the same answers" if [answer.probabilities for answer in given] == answers else "other answers"


def _killed_with_checkpoints(command: list[str], place: Path, folder: Path) -> Checkpoints:
    """Return the checkpoints of a run that was killed when it had some: a later moment until it has."""
    for tenth in range(5, 600):
        killed = run_and_kill(command, Moment(tenth / 10, at_work=True), folder / "log.txt", AT_WORK)
        checkpoints = Checkpoints(place / "checkpoints")
        if killed.done is None and len(checkpoints.all()) > 1 and not fault_of(checkpoints.all()[-1]):
            return checkpoints
        shutil.rmtree(place, ignore_errors=True)
    raise RuntimeError("the run has never been killed with two checkpoints")


def _went_on(
    command: list[str],
    broken: Path,
    whole: Path,
    files: list[str],
    rng: random.Random,
    times: int,
    folder: Path,
    found: Counter[str],
) -> None:
    """Let the run go on from copies whose newest checkpoint is damaged: from the one before, and it says so."""
    weights = file_sha256(whole / "model" / "model.safetensors")
    kept = folder / "kept"
    shutil.copytree(broken, kept)
    for name in rng.sample(files, min(times, len(files))):
        shutil.rmtree(broken)
        shutil.copytree(kept, broken)
        newest = Checkpoints(broken / "checkpoints").all()[-1]
        (newest / name).write_bytes(_flip((newest / name).read_bytes(), rng))
        done = run_well([*command, "--resume_from_checkpoint"])
        said = f"{newest.name} is passed over" in done.error
        same = file_sha256(broken / "model" / "model.safetensors") == weights
        found["went on from the one before, said so, and ended bit for bit the same" if said and same else name] += 1


def _flip(content: bytes, rng: random.Random) -> bytes:
    place, bit = rng.randrange(len(content)), rng.randrange(8)
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]
