"""Write a tiny classifier and its answers: `python tests/model/make_remote_code_checkpoint.py OUT_DIR`.

OUT_DIR/checkpoint is the model with its code and tokenizer, OUT_DIR/expected.json what `remote_code_check.py` compares.
"""

import json
import random
import sys
from pathlib import Path

import torch
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bbc_classifier.inference.classifier import NewsClassifier
from tests.model.conftest import make_loud_classifier
from tests.tiny import WORDS, tiny_tokenizer

TEXTS = ["shares fell", "the match was a goal for the team", "film and music of the actor"]
LONG_TEXT_WORDS = 3000


def make_checkpoint(folder: Path) -> tuple[Path, Path]:
    """Write the checkpoint and the expected answers; return their paths."""
    model = make_loud_classifier(pooling="attention", max_input_tokens=32, truncation="head+tail")
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = VERY_LARGE_INTEGER  # as training saves it
    checkpoint, expected = folder / "checkpoint", folder / "expected.json"
    model.save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    batch = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    with torch.inference_mode():
        logits = model(**batch).logits
    long_text = " ".join(random.Random(0).choices(WORDS, k=LONG_TEXT_WORDS))
    answers = {
        "inputs": {name: values.tolist() for name, values in batch.items()},
        "logits": logits.tolist(),
        "long_text": long_text,
        "long_probabilities": NewsClassifier(model, tokenizer).predict([long_text])[0].probabilities,
    }
    expected.write_text(json.dumps(answers), encoding="utf-8")
    return checkpoint, expected


if __name__ == "__main__":
    print(*make_checkpoint(Path(sys.argv[1])))
