"""What of a padded batch the encoder reads: each token once where it is to, and no more tokens than in training."""

import torch

from .distinct_tokens import first_positions
from .truncation import kept_positions


def every_token(input_ids: torch.Tensor | None, inputs_embeds: torch.Tensor | None) -> torch.Tensor:
    """Return a mask of ones, (batch, tokens) int64."""
    if input_ids is not None:
        return torch.ones_like(input_ids)
    assert inputs_embeds is not None
    return torch.ones_like(inputs_embeds[..., 0], dtype=torch.long)


def columns_to_read(
    config, input_ids: torch.Tensor | None, attention_mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the columns of the batch that are read, (batch, kept) int64, and their mask.

    Args:
        config: A `PooledEncoderConfig`.
        input_ids: (batch, tokens) int64, or None where the batch is of embeddings.
        attention_mask: (batch, tokens), non-zero where a token is real.

    Raises:
        ValueError: Each token is to be read once, and there are only embeddings.
    """
    if not config.distinct_tokens:
        return kept_positions(attention_mask, config.max_input_tokens, config.truncation)
    if input_ids is None:
        raise ValueError("this classifier reads each token once, which needs input_ids, not inputs_embeds")
    distinct, attention_mask = first_positions(input_ids, attention_mask)
    columns, attention_mask = kept_positions(attention_mask, config.max_input_tokens, config.truncation)
    return distinct.gather(1, columns), attention_mask


def take_columns(values: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return the chosen columns of each row of (rows, tokens) or (rows, tokens, hidden); one row may stand for all."""
    values = values.expand(columns.shape[0], *values.shape[1:])
    if values.dim() == 2:
        return values.gather(1, columns)
    return values.gather(1, columns.unsqueeze(-1).expand(-1, -1, values.shape[-1]))
