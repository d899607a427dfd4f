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
from bbc_classifier.inference.checkpoint import model_location
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.provenance import file_sha256, settings_sha256, weights_file
from bbc_classifier.training.checkpoints import Checkpoints, fault_of

STEPS, EVERY = 200, 4
WHICH, HOW = "the weights, the configuration or the tokenizer", "a bit flipped, or the end cut off, at random places"
REFUSED = "refused in one sentence"
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


def damaged_classifier(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Damage the weights, the configuration and the tokenizer of a finished run."""
    return {"how": f"in {WHICH} of a finished run {HOW}", **_damaged(_trained(material, folder), times, seed)}


def damaged_export(material: Material, folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Damage the same of its exports to ONNX and to a stock class."""
    # What a stock class of BERT does.
    finished = _trained(material, folder, "--pooling", "pooler")
    cases = []
    for form in ("onnx", "transformers"):
        run_well(["export", str(finished), "--format", form])
        cases.append(_damaged(finished / "export" / form, times, seed))
    happened = sum((Counter(case["happened"]) for case in cases), Counter())
    return {
        "how": f"in {WHICH} of exports to ONNX and to a stock class {HOW}",
        "times": happened.total(),
        "happened": dict(happened),
        "by file": sum((Counter(case["by file"]) for case in cases), Counter()),
        "seed": seed,
    }


def _trained(material: Material, folder: Path, *flags: str) -> Path:
    run_well(material.train(folder / "run", *flags, steps=STEPS, every=EVERY))
    return folder / "run"


def _damaged(classifier: Path, times: int, seed: int) -> dict[str, Any]:
    """Damage each file that a classifier is opened from, answer with it, and count what comes of it."""
    rng = random.Random(seed)
    answers = _answers(classifier)
    model = Path(model_location(str(classifier)))
    found: Counter[str] = Counter()
    by_file: Counter[str] = Counter()
    for file in [weights_file(model), *(model / name for name in settings_sha256(model) if name != "export.json")]:
        content = file.read_bytes()
        for damage in (_flip, _cut):
            for number in range(times):
                file.write_bytes(damage(content, rng))
                came = _opened(classifier, answers) if number else _told(classifier)
                found[came] += 1
                by_file[f"{file.name}: {came}"] += 1
        file.write_bytes(content)
    return {"times": found.total(), "happened": dict(found), "by file": dict(by_file), "seed": seed}


def _answers(classifier: Path) -> list[dict[str, float]]:
    return [answer.probabilities for answer in open_classifier(str(classifier)).predict(TEXTS)]


def _told(classifier: Path) -> str:
    """Return what the program says of a damaged classifier, as a person sees it."""
    done = run(command_line(["predict", "--model", str(classifier), "goal"]))
    one_sentence = done.code == 2 and done.error.count("bbc-classifier: error:") == 1 and str(classifier) in done.error
    return REFUSED if one_sentence else f"exit code {done.code}: {done.error[-200:]}"


def _opened(classifier: Path, answers: list[dict[str, float]]) -> str:
    """Return what comes of answering with a damaged classifier."""
    logging.disable()
    try:
        return "the same answers" if _answers(classifier) == answers else "other answers"
    except InputError:
        return REFUSED
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        logging.disable(logging.NOTSET)


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
