"""Load a checkpoint by its own code: `python tests/model/remote_code_check.py CHECKPOINT_DIR EXPECTED_JSON`.

Hides `bbc_classifier` and imports only torch and transformers, so that it runs under any version of them. Exits with an
error at the first difference.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

sys.modules["bbc_classifier"] = None  # importing it fails, installed or not
MODULES = tempfile.TemporaryDirectory()
os.environ["HF_MODULES_CACHE"] = MODULES.name
os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline  # noqa: E402
from transformers.utils import logging  # noqa: E402


def load(directory: Path):
    return AutoModelForSequenceClassification.from_pretrained(str(directory), trust_remote_code=True)


def check_logits(model, expected: dict) -> None:
    """Check that the logits are the expected ones, bit for bit."""
    inputs = {name: torch.tensor(values) for name, values in expected["inputs"].items()}
    with torch.inference_mode():
        logits = model(**inputs).logits
    assert torch.equal(logits, torch.tensor(expected["logits"])), logits


def check_pipeline(directory: Path, expected: dict) -> None:
    """Check that `pipeline` answers for a text of 3000 words as for the part of it that is read."""
    classify = pipeline("text-classification", model=str(directory), trust_remote_code=True, top_k=None)
    answers = {answer["label"]: answer["score"] for answer in classify([expected["long_text"]])[0]}
    assert answers.keys() == expected["long_probabilities"].keys(), answers
    for label, probability in expected["long_probabilities"].items():
        assert abs(answers[label] - probability) < 1e-6, (label, answers[label], probability)


def check_saved_again(model, directory: Path, expected: dict) -> None:
    """Check that saving the loaded model writes its code too."""
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        model.save_pretrained(again)
        AutoTokenizer.from_pretrained(str(directory), trust_remote_code=True).save_pretrained(again)
        code = {file.name: file.read_text(encoding="utf-8") for file in directory.glob("*.py")}
        assert {file.name: file.read_text(encoding="utf-8") for file in again.glob("*.py")} == code, sorted(code)
        check_logits(load(again), expected)


def check_users_pooling(model) -> None:
    """Check that a pooling which is not registered here is an error that names its module."""
    model.config.pooling, model.config.pooling_module = "mine", "my_poolings"
    try:
        type(model)(model.config)
    except ValueError as error:
        assert "pooling 'mine' is registered by the module 'my_poolings': import that module" in str(error), error
    else:
        raise AssertionError("no error")


def main(checkpoint: str, expected_file: str) -> None:
    directory, expected = Path(checkpoint), json.loads(Path(expected_file).read_text(encoding="utf-8"))
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    model = load(directory)
    assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
    check_logits(model, expected)
    check_pipeline(directory, expected)
    check_saved_again(model, directory, expected)
    check_users_pooling(model)
    print(f"transformers {transformers.__version__}, torch {torch.__version__}: equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
