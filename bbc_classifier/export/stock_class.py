"""A classifier as a stock class of Transformers: loaded without our code, by every server that knows the library.

The tokenizer does what our `forward` does besides: it cuts texts to the classifier's length, so that
`pipeline(..., truncation=True)` equals `predict`.
"""

import copy
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.errors import InputError
from bbc_classifier.export.exported_config import exported_config
from bbc_classifier.export.exported_tokenizer import save_tokenizer
from bbc_classifier.export.stock_heads import StockHead, stock_head
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.model import PooledEncoderForSequenceClassification

logger = logging.getLogger(__name__)

# Logits that are the same but for the rounding of float32: relative to the largest of them.
ROUNDING = 1e-5

Model = TypeVar("Model", bound=PreTrainedModel)


def export_stock_class(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> str:
    """Write the stock class that computes the same logits, and check that it does, loaded again.

    Returns:
        How far they are the same: "bit-equal", or "within rounding".

    Raises:
        InputError: No stock class computes them.
    """
    head = stock_head(model)
    stock = _stock_model(model, head)
    stock.save_pretrained(folder)
    config = model.config
    save_tokenizer(tokenizer, folder, config.max_input_tokens, cut_from_left=config.truncation == "tail")
    return _check_same_logits(model, tokenizer, folder, head)


def _stock_model(model: PooledEncoderForSequenceClassification, head: StockHead) -> PreTrainedModel:
    """Return the stock class with our tensors, every one of them; what it has and we have not is an error."""
    config = exported_config(model.config, "transformers", head.settings)
    stock = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    names = stock.state_dict().keys()
    encoder = {f"{stock.base_model_prefix}.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    # A pooler that stands in the head there is none of the encoder.
    tensors = {name: tensor for name, tensor in encoder.items() if name in names or ".pooler." not in name}
    stock.load_state_dict(tensors | head.tensors(model), strict=True)
    return stock.eval()


@torch.inference_mode()
def _check_same_logits(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, folder: Path, head: StockHead
) -> str:
    stock = _in_own_memory(AutoModelForSequenceClassification.from_pretrained(folder))
    model = _in_own_memory(model)
    stock_tokenizer = AutoTokenizer.from_pretrained(folder)
    bit_equal = True
    for texts in (TRIAL_TEXTS, *([text] for text in TRIAL_TEXTS)):
        theirs = stock(**stock_tokenizer(list(texts), truncation=True, padding=True, return_tensors="pt")).logits
        ours = _our_logits(model, tokenizer, texts)
        bit_equal &= torch.equal(ours, theirs)
        difference = float((ours - theirs).abs().max())
        if not (torch.equal(ours, theirs) if head.exact else difference <= ROUNDING * float(ours.abs().max())):
            raise InputError(
                f"--format transformers: {type(stock).__name__} gives other logits than the classifier (by up to "
                f"{difference:.1e}), so nothing was written; export with --format onnx"
            )
    return "bit-equal" if bit_equal else "within rounding"


def _in_own_memory(model: Model) -> Model:
    """Return a copy in evaluation mode whose tensors each begin on a boundary of the allocator's.

    Those of a file that is mapped into memory begin anywhere, and matrix kernels sum in another order there: the last
    bit would tell apart where two equal models lie.
    """
    return copy.deepcopy(model).eval()


def _our_logits(
    model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> torch.Tensor:
    config = model.config
    read = encode_texts(tokenizer, texts, config.max_input_tokens, config.truncation).input_ids
    padded = tokenizer.pad({"input_ids": read}, padding_side="right", return_tensors="pt")
    return model(input_ids=padded["input_ids"], attention_mask=padded["attention_mask"]).logits
