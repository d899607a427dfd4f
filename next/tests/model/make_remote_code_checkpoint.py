"""Write a tiny classifier and its answers: `python tests/model/make_remote_code_checkpoint.py OUT_DIR`.

OUT_DIR/checkpoint is the model with its code and tokenizer, OUT_DIR/expected.json what `remote_code_check.py` compares.
"""

import json
import random
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bbc_classifier.model import truncate
from tests.model.conftest import loud_classifier
from tests.tiny import WORDS, tiny_tokenizer

TEXTS = ["shares fell", "the match was a goal for the team", "film and music of the actor"]


def make_checkpoint(directory: Path) -> tuple[Path, Path]:
    """Write the checkpoint and the expected answers; return their paths."""
    model = loud_classifier(pooling="attention", max_input_tokens=16, truncation="head+tail", distinct_tokens=True)
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = int(1e30)  # as training saves it: the model truncates
    checkpoint, expected = directory / "checkpoint", directory / "expected.json"
    model.save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    batch = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    long_text = " ".join(random.Random(0).choices(WORDS, k=3000))
    read = truncate(tokenizer(long_text)["input_ids"], model.config)
    with torch.inference_mode():
        logits, long_logits = model(**batch).logits, model(torch.tensor([read])).logits
    answers = {
        "inputs": {name: values.tolist() for name, values in batch.items()},
        "logits": logits.tolist(),
        "long_text": long_text,
        "long_probabilities": dict(zip(model.config.label_names, long_logits.softmax(-1)[0].tolist(), strict=True)),
    }
    expected.write_text(json.dumps(answers), encoding="utf-8")
    return checkpoint, expected


if __name__ == "__main__":
    print(*make_checkpoint(Path(sys.argv[1])))
