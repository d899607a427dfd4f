"""Push a checkpoint, or load one by its id and answer: `python -m tests.hub_server.push_and_load push|load ARGUMENTS`.

`load` hides the package, as on a machine that never had it.
"""

import json
import sys


def push(folder: str, repo_id: str, token: str) -> None:
    """Push a classifier and its tokenizer as the library does."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    import bbc_classifier  # noqa: F401 (registers the model)

    options = {"token": token, "private": True}
    AutoModelForSequenceClassification.from_pretrained(folder).push_to_hub(repo_id, **options)
    AutoTokenizer.from_pretrained(folder, trust_remote_code=False).push_to_hub(repo_id, **options)


def load(repo_id: str, token: str, text: str) -> None:
    """Print the class that was loaded and its logits for a text."""
    sys.modules["bbc_classifier"] = None  # type: ignore[assignment]  # importing it now fails
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(1)
    options = {"token": token, "trust_remote_code": True}
    model = AutoModelForSequenceClassification.from_pretrained(repo_id, **options)
    batch = AutoTokenizer.from_pretrained(repo_id, **options)(text, return_tensors="pt")
    with torch.inference_mode():
        print(json.dumps({"module": type(model).__module__, "logits": model(**batch).logits.tolist()}))


if __name__ == "__main__":
    {"push": push, "load": load}[sys.argv[1]](*sys.argv[2:])
