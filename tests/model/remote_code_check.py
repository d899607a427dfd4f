"""Load a checkpoint by its own code alone: `python tests/model/remote_code_check.py CHECKPOINT_DIR EXPECTED_JSON`.

Runs where `bbc_classifier` is not installed, or hides it. Imports nothing but torch and transformers, so that it runs
under any version of them. Exits with an error at the first difference; prints what it found.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

sys.modules["bbc_classifier"] = None  # importing it now fails, installed or not
MODULES = tempfile.TemporaryDirectory()
os.environ["HF_MODULES_CACHE"] = MODULES.name
os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline  # noqa: E402
from transformers.utils import logging  # noqa: E402

TOLERANCE = 1e-6


def load(folder: Path):
    return AutoModelForSequenceClassification.from_pretrained(str(folder), trust_remote_code=True)


def check_logits(model, expected: dict) -> None:
    """Check that the logits are those expected, bit for bit."""
    inputs = {name: torch.tensor(values) for name, values in expected["inputs"].items()}
    with torch.inference_mode():
        logits = model(**inputs).logits
    assert torch.equal(logits, torch.tensor(expected["logits"])), logits


def check_pipeline(folder: Path, expected: dict) -> None:
    """Check that a text far too long goes through `pipeline` and has the probabilities of `NewsClassifier.predict`."""
    classify = pipeline("text-classification", model=str(folder), trust_remote_code=True, top_k=None)
    answers = {answer["label"]: answer["score"] for answer in classify([expected["long_text"]])[0]}
    assert answers.keys() == expected["long_probabilities"].keys(), answers
    for label, probability in expected["long_probabilities"].items():
        assert abs(answers[label] - probability) < TOLERANCE, (label, answers[label], probability)


def check_saved_again(model, folder: Path, expected: dict) -> None:
    """Check that saving from here gives a folder as complete as the first, which loads by itself."""
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        model.save_pretrained(again)
        AutoTokenizer.from_pretrained(str(folder), trust_remote_code=True).save_pretrained(again)
        code = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.py")}
        assert {file.name: file.read_text(encoding="utf-8") for file in again.glob("*.py")} == code, sorted(code)
        maps = [
            json.loads((place / "config.json").read_text(encoding="utf-8"))["auto_map"] for place in (folder, again)
        ]
        assert maps[0] == maps[1], maps
        check_logits(load(again), expected)


def main(checkpoint: str, expected_file: str) -> None:
    folder, expected = Path(checkpoint), json.loads(Path(expected_file).read_text(encoding="utf-8"))
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    model = load(folder)
    assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
    check_logits(model, expected)
    check_pipeline(folder, expected)
    check_saved_again(model, folder, expected)
    print(f"transformers {transformers.__version__}, torch {torch.__version__}: equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
