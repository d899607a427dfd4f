import torch

from tests.tiny import tiny_classifier, tiny_config

# Families as they are pretrained, where the tiny ones are simpler: relative positions, a sliding window.
RELATIVE = {
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 6},
}


def loud_classifier(family: str = "bert", pooling: str = "mean", **options: object):
    """Return a tiny classifier with matrices of ten times their usual size, so that answers differ visibly."""
    encoder_config = tiny_config(family, **RELATIVE.get(family, {}))
    return tiny_classifier(family, pooling, scale=10, encoder_config=encoder_config, **options)


def random_ids(rows: int, tokens: int, seed: int = 0) -> torch.Tensor:
    """Return ids of words and letters, (rows, tokens), without special tokens."""
    return torch.randint(5, 150, (rows, tokens), generator=torch.Generator().manual_seed(seed))


def ragged_batch() -> dict[str, torch.Tensor]:
    """Return three rows of 9, 5 and 2 tokens, padded on the right."""
    mask = (torch.arange(9) < torch.tensor([[9], [5], [2]])).long()
    return {"input_ids": random_ids(3, 9) * mask, "attention_mask": mask}
