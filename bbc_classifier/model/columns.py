"""The columns of a padded batch: all of them, or those that are read."""

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
