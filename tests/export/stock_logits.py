"""Run as a process of its own, where our package does not exist: the logits of exported folders, by transformers alone.

usage: python stock_logits.py TEXTS.json OUT.pt FOLDER…
"""

import copy
import json
import sys
from pathlib import Path

sys.modules["bbc_classifier"] = None  # type: ignore[assignment]

import torch  # noqa: E402
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline  # noqa: E402


@torch.inference_mode()
def logits_and_answers(folder: str, texts: list[str]) -> tuple[torch.Tensor, list[dict], str]:
    """Return the logits of all texts in one batch, the pipeline's answers, and the class's name."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
    # A file that is mapped into memory begins anywhere, and matrix kernels sum in another order there.
    logits = copy.deepcopy(model).eval()(**batch).logits
    answers = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")(texts, truncation=True)
    return logits, answers, type(model).__name__


if __name__ == "__main__":
    torch.set_num_threads(1)
    texts_file, out, *folders = sys.argv[1:]
    texts = json.loads(Path(texts_file).read_text(encoding="utf-8"))
    torch.save({folder: logits_and_answers(folder, texts) for folder in folders}, out)
