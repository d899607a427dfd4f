"""Load a checkpoint without remote code: `python tests/model/registration_check.py ORDER CHECKPOINT_DIR EXPECTED_JSON`.

ORDER says which is imported first, "bbc_classifier" or "transformers". Exits with an error at the first difference.
"""

import importlib
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"


def main(order: str, checkpoint: str, expected_file: str) -> None:
    importlib.import_module(order)
    if order == "bbc_classifier":
        assert not {"torch", "transformers"} & sys.modules.keys(), "bbc_classifier alone loads torch or transformers"
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline
    from transformers.utils import logging

    importlib.import_module("bbc_classifier")
    logging.disable_progress_bar()
    config = AutoConfig.from_pretrained(checkpoint)
    assert type(config).__module__ == "bbc_classifier.model.configuration_pooled_encoder"
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint)
    assert type(model).__module__ == "bbc_classifier.model.modeling_pooled_encoder"
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    expected = json.loads(Path(expected_file).read_text(encoding="utf-8"))
    for classify in (
        pipeline("text-classification", model=checkpoint, top_k=None),
        pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None),
    ):
        answers = {answer["label"]: answer["score"] for answer in classify([expected["long_text"]])[0]}
        for label, probability in expected["long_probabilities"].items():
            assert abs(answers[label] - probability) < 1e-6, (label, answers[label], probability)
    print("equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
