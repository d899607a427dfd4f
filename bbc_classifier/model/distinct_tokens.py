"""Reading each token of a text once, where it first stands, so that more of a long text fits into few tokens.

What a text is about shows in which words it has far more than in how often it says them. One rule, for token lists and
for padded batches; the first and the last token, which are the special ones, always stay.
"""

import torch


def first_occurrences(tokens: list[int]) -> list[int]:
    """Return `tokens` (special tokens included, no padding) without those that stood before.

    >>> first_occurrences([101, 7, 8, 7, 9, 8, 102])
    [101, 7, 8, 9, 102]
    """
    return [*dict.fromkeys(tokens[:-1]), *tokens[-1:]]


def first_positions(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which column of a padded batch each token that is read once stands in, and the mask that goes with them.

    Args:
        input_ids: (batch, tokens) int64.
        attention_mask: (batch, tokens), non-zero where a token is real.

    Returns:
        The columns, (batch, tokens) int64, those of the tokens that are read first; and the mask, (batch, tokens) in
        the dtype of `attention_mask`.
    """
    column = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
    real = attention_mask != 0
    last = torch.where(real, column, -1).amax(1, keepdim=True)
    # What is not real, and the closing token, are like nothing else.
    alone = ~real | (column == last)
    values, order = torch.where(alone, -1 - column, input_ids).sort(dim=1, stable=True)
    new = torch.ones_like(real)
    new[:, 1:] = values[:, 1:] != values[:, :-1]
    read = torch.zeros_like(real).scatter(1, order, new) & real
    columns = (~read).to(torch.int8).argsort(dim=1, stable=True)
    return columns, attention_mask.gather(1, columns) * read.gather(1, columns).to(attention_mask.dtype)
