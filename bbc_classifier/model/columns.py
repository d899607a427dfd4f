"""The columns of a padded batch: all of them, or those that are read."""

from typing import cast

import torch


def every_token(input_ids: torch.Tensor | None, inputs_embeds: torch.Tensor | None) -> torch.Tensor:
    """Return a mask of ones, (batch, tokens) int64."""
    if input_ids is not None:
        return torch.ones_like(input_ids)
    assert inputs_embeds is not None
    return torch.ones_like(inputs_embeds[..., 0], dtype=torch.long)


def take_columns(values: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return the chosen columns of each row of (rows, tokens) or (rows, tokens, hidden); one row may stand for all."""
    values = values.expand(columns.shape[0], *values.shape[1:])
    if values.dim() == 2:
        return values.gather(1, columns)
    return values.gather(1, columns.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def longest_row(attention_mask: torch.Tensor) -> int:
    """Return the most real tokens that a left-aligned row has, and at least 1; in a graph that is exported, 2."""
    tokens = (attention_mask != 0).sum(1).max()
    if not is_exporting():
        return max(1, int(tokens))
    # Not int(): here it is a symbol, of which the exporter only knows what it is told.
    longest = cast(int, tokens.clamp(min=2).item())
    torch._check(longest >= 2)
    torch._check(longest <= attention_mask.shape[1])
    return longest


def is_exporting() -> bool:
    """Whether torch is making a graph to export; its first versions that we allow cannot say so."""
    return hasattr(torch.compiler, "is_exporting") and torch.compiler.is_exporting()
