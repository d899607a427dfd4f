"""Running a classifier over many texts: like lengths together, bounded padding, answers in the caller's order."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from bbc_classifier.errors import InputError
from bbc_classifier.inference.unusable_values import usable_values
from bbc_classifier.memory import memory_for
from bbc_classifier.model import PooledEncoderForSequenceClassification

# There is no smaller batch to ask for.
ROOM = (
    "batches are small already: end other programs, or, where an accelerator's memory is meant, run on the CPU "
    "(predict --device cpu, train --use_cpu true)"
)
# From ids and mask, each (batch, tokens) int64, to logits, (batch, labels).
Forward = Callable[[torch.Tensor, torch.Tensor], np.ndarray]


def batches_by_length(lengths: Sequence[int], tokens_per_batch: int) -> Iterator[list[int]]:
    """Yield lists of row numbers, longest rows first, each at most `tokens_per_batch` tokens once padded.

    A row longer than the budget is a batch of its own.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens_per_batch:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def predict_logits(
    model: PreTrainedModel, input_ids: Sequence[list[int]], pad_token_id: int, tokens_per_batch: int = 4096
) -> np.ndarray:
    """Return the logits of every row in the order given, (rows, labels) float64.

    Args:
        model: A classifier; put into evaluation mode here.
        input_ids: Token ids per row, special tokens included, without padding.
        pad_token_id: Fills the shorter rows of a batch; the mask hides it.
        tokens_per_batch: Most tokens in a padded batch.

    Raises:
        InputError: A logit is NaN or infinite, which only damaged weights or too low a precision give; or there is a
            token that the model does not know.
        OutOfMemory: Memory does not suffice for a batch.
    """
    return logits_by_batch(
        _forward(model), model.config.num_labels, input_ids, pad_token_id, tokens_per_batch=tokens_per_batch
    )


def logits_by_batch(
    forward: Forward,
    labels: int,
    input_ids: Sequence[list[int]],
    pad_token_id: int,
    *,
    tokens_per_batch: int = 4096,
) -> np.ndarray:
    """Return the logits of every row in the order given, (rows, labels) float64, whatever computes them.

    Args:
        forward: From ids and mask, each (batch, tokens) int64, to logits, (batch, labels).
        labels: How many labels there are.
        input_ids: Token ids per row, special tokens included, without padding.
        pad_token_id: Fills the shorter rows of a batch; the mask hides it.
        tokens_per_batch: Most tokens in a padded batch; 1 gives every row a batch of its own.

    Raises:
        InputError: A logit is NaN or infinite.
    """
    logits = np.zeros((len(input_ids), labels))
    for rows, batch in _run(forward, input_ids, pad_token_id, tokens_per_batch):
        logits[rows] = batch
    _refuse_non_finite(logits)
    return logits


class Reading(NamedTuple):
    """What a classifier makes of rows, float64: its head is given `vectors` (rows, width), and gives `logits`."""

    vectors: np.ndarray
    logits: np.ndarray


def read_rows(
    model: PooledEncoderForSequenceClassification,
    input_ids: Sequence[list[int]],
    pad_token_id: int,
    tokens_per_batch: int = 4096,
) -> Reading:
    """Return the pooled vectors and the logits of every row in the order given, float64.

    The arguments and errors are those of `predict_logits`.
    """
    given: list[torch.Tensor] = []
    hook = model.classifier.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    vectors = np.zeros((len(input_ids), model.classifier.in_features))
    logits = np.zeros((len(input_ids), model.config.num_labels))
    try:
        for rows, batch in _run(_forward(model), input_ids, pad_token_id, tokens_per_batch):
            vectors[rows], logits[rows] = given.pop().double().cpu().numpy(), batch
    finally:
        hook.remove()
    _refuse_non_finite(logits)
    return Reading(vectors, logits)


def _refuse_non_finite(logits: np.ndarray) -> None:
    broken = int((~np.isfinite(logits).all(axis=1)).sum())
    if broken:
        raise InputError(f"the classifier's outputs for {broken} of {len(logits)} texts are no numbers")


def _forward(model: PreTrainedModel) -> Forward:
    """Return what computes the model's logits; the model is put into evaluation mode."""
    model.eval()
    # Not every encoder has a vocabulary: CANINE reads characters.
    known = getattr(getattr(model.config, "encoder_config", model.config), "vocab_size", None)

    @torch.inference_mode()
    def forward(ids: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
        if known is not None and ids.max() >= known:
            raise InputError(
                f"the tokenizer knows a token {int(ids.max())}, the encoder {known} in all: its files are damaged, or "
                "of another classifier"
            )
        output = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device))
        return output.logits.double().cpu().numpy()

    return forward


def _run(
    forward: Forward, input_ids: Sequence[list[int]], pad_token_id: int, tokens_per_batch: int
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield the rows of each batch and their logits, (rows of the batch, labels)."""
    for rows in batches_by_length([len(ids) for ids in input_ids], tokens_per_batch):
        what = f"a batch of {len(rows)} texts of {len(input_ids[rows[0]])} tokens"
        with memory_for(what, ROOM), usable_values("the model"):
            logits = forward(*pad_right([input_ids[row] for row in rows], pad_token_id))
        yield rows, logits


def pad_right(input_ids: Sequence[list[int]], pad_token_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, each (rows, longest) int64."""
    longest = max(len(ids) for ids in input_ids)
    ids = torch.full((len(input_ids), longest), pad_token_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(input_ids):
        ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.long)
        mask[row, : len(tokens)] = 1
    return ids, mask
