"""Which tokens of a text that is too long are read: one rule, for token lists and for padded batches.

Every way keeps `first` tokens from the start and `last` from the end, so the opening and the closing special token
always stay. C. Sun et al., "How to Fine-Tune BERT for Text Classification?", CCL 2019, section 5.3.1, compares the
three ways and splits head+tail about one quarter to three quarters, as here.
"""

import torch

TRUNCATIONS = ("head", "tail", "head+tail")


def kept_ends(max_tokens: int, truncation: str) -> tuple[int, int]:
    """Return how many tokens to keep from the start and from the end, special tokens included.

    >>> kept_ends(512, "head"), kept_ends(512, "tail"), kept_ends(512, "head+tail")
    ((511, 1), (1, 511), (128, 384))
    """
    first_of_body = {"head": max_tokens - 2, "tail": 0, "head+tail": (max_tokens - 2) // 4}[truncation]
    first = 1 + first_of_body
    return first, max_tokens - first


def cut_tokens(tokens: list[int], max_tokens: int | None, truncation: str) -> list[int]:
    """Return `tokens` (special tokens included, no padding) cut to `max_tokens`; None leaves them whole."""
    if max_tokens is None or len(tokens) <= max_tokens:
        return tokens
    first, last = kept_ends(max_tokens, truncation)
    return tokens[:first] + tokens[-last:]


def kept_positions(
    attention_mask: torch.Tensor, max_tokens: int | None, truncation: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which column of a padded batch each kept token stands in, and the mask that goes with them.

    Rows move to the left edge, so that padding on either side, and any amount of it, gives the same answer.

    Args:
        attention_mask: (batch, tokens), non-zero where a token is real.
        max_tokens: Most tokens to keep in a row; None keeps all.
        truncation: One of `TRUNCATIONS`.

    Returns:
        The columns, (batch, kept) int64, and the mask, (batch, kept) in the dtype of `attention_mask`.
    """
    tokens = attention_mask.shape[1]
    column = torch.arange(tokens, device=attention_mask.device)
    # Not min(tokens, max_tokens), which would fix the length of the batch that a graph is made of.
    target = column[:max_tokens]
    kept = target.shape[0]
    real = attention_mask != 0
    start = torch.where(real, column, tokens).amin(1, keepdim=True)
    span = torch.where(real, column + 1, 0).amax(1, keepdim=True) - start
    first = kept_ends(kept, truncation)[0]
    # Where every column is kept, no token is skipped.
    skipped = (span - kept).clamp(min=0)
    positions = (start + target + (target >= first) * skipped).clamp(max=tokens - 1)
    return positions, attention_mask.gather(1, positions) * (target < span).to(attention_mask.dtype)
