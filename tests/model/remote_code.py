"""Write a classifier, then load it by its own code: `python -m tests.model.remote_code make DIR`, `… check DIR`."""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

TEXTS = ["shares fell", "the match was a goal for the team", "film and music of the actor"]


def make(directory: Path) -> Path:
    """Write checkpoint/ (model, code and tokenizer) and expected.json (inputs and answers); return the checkpoint."""
    import torch

    from bbc_classifier.model import truncate
    from tests.model.conftest import loud_classifier
    from tests.tiny import WORDS, tiny_tokenizer

    model = loud_classifier(pooling="attention", max_input_tokens=16, truncation="head+tail")
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = int(1e30)  # as training saves it: the model truncates
    for part in (model, tokenizer):
        part.save_pretrained(directory / "checkpoint")
    batch = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    long_text = " ".join(random.Random(0).choices(WORDS, k=3000))
    read, _ = truncate(tokenizer(long_text)["input_ids"], model.config)
    with torch.inference_mode():
        logits, long_logits = model(**batch).logits, model(torch.tensor([read])).logits
    expected = {
        "inputs": {name: values.tolist() for name, values in batch.items()},
        "logits": logits.tolist(),
        "long_text": long_text,
        "long_probabilities": dict(zip(model.config.label_names, long_logits.softmax(-1)[0].tolist(), strict=True)),
    }
    (directory / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    return directory / "checkpoint"


def check(directory: Path) -> None:
    """Check the answers, those of `pipeline` for 3,000 words, and saving again."""
    sys.modules["bbc_classifier"] = None  # importing it fails, installed or not
    modules = tempfile.TemporaryDirectory()
    os.environ |= {"HF_MODULES_CACHE": modules.name, "HF_HUB_OFFLINE": "1"}
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    expected = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    inputs = {name: torch.tensor(values) for name, values in expected["inputs"].items()}
    checkpoint, again, trusted = directory / "checkpoint", directory / "again", {"trust_remote_code": True}

    for path in (checkpoint, again):
        model = transformers.AutoModelForSequenceClassification.from_pretrained(path, **trusted).eval()
        assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
        with torch.inference_mode():
            assert torch.equal(model(**inputs).logits, torch.tensor(expected["logits"]))
        assert {file.name for file in path.glob("*.py")} == {file.name for file in checkpoint.glob("*.py")}
        model.save_pretrained(again)

    classify = transformers.pipeline("text-classification", model=str(checkpoint), top_k=None, **trusted)
    answers = {answer["label"]: answer["score"] for answer in classify([expected["long_text"]])[0]}
    assert answers.keys() == expected["long_probabilities"].keys(), answers
    assert all(abs(answers[label] - p) < 1e-6 for label, p in expected["long_probabilities"].items()), answers

    print(f"transformers {transformers.__version__}, torch {torch.__version__}: equal")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
