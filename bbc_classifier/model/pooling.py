"""Poolings: one vector per text from the encoder's vectors per token.

Every pooling has the same signature, `(encoder_output, attention_mask) -> (batch, width)`, so no caller can leave the
mask out. In the formulas h_t is the encoder's vector of token t and m_t is 1 for a real token, 0 for padding.
"""

import torch
from torch import nn


class Pooling(nn.Module):
    """What every pooling is: a module that knows its width and whether it needs the encoder's own pooler."""

    vectors_joined = 1
    needs_encoder_pooler = False

    def __init__(self, hidden_size: int):
        super().__init__()
        self.width = hidden_size * self.vectors_joined

    def forward(self, encoder_output, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return (batch, width) from `last_hidden_state` (batch, tokens, hidden) and the mask (batch, tokens)."""
        raise NotImplementedError


class Cls(Pooling):
    """The first token's vector: h_1.

    J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", NAACL 2019 (without BERT's own pooler).
    """

    def forward(self, encoder_output, attention_mask):
        """Return the vector of each row's first token; rows are left-aligned before the encoder."""
        return encoder_output.last_hidden_state[:, 0]


class Mean(Pooling):
    """The mean of the real tokens' vectors: sum_t m_t h_t / sum_t m_t, summed in float32.

    N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019.
    """

    def forward(self, encoder_output, attention_mask):
        """Return each row's mean over its real tokens."""
        hidden = encoder_output.last_hidden_state
        weights = attention_mask.unsqueeze(-1).float()
        mean = (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return mean.to(hidden.dtype)


class Max(Pooling):
    """The largest value per dimension over the real tokens: max over {t : m_t = 1} of h_t.

    N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019 (MAX strategy).
    """

    def forward(self, encoder_output, attention_mask):
        """Return each row's maximum over its real tokens, zeros for a row that has none."""
        hidden = encoder_output.last_hidden_state
        real = (attention_mask != 0).unsqueeze(-1)
        largest = hidden.masked_fill(~real, torch.finfo(hidden.dtype).min).amax(1)
        return largest.masked_fill(~real.any(1), 0.0)


class Pooler(Pooling):
    """The encoder's own pretrained pooler, for BERT tanh(W h_1 + b).

    J. Devlin et al., NAACL 2019. The weights are the ones the encoder was pretrained with, never fresh ones.
    """

    needs_encoder_pooler = True

    def forward(self, encoder_output, attention_mask):
        """Return the encoder's `pooler_output`."""
        return encoder_output.pooler_output


class LearnedAttention(Pooling):
    """A learned weighted mean: a = softmax over real t of u . tanh(V h_t + b); sum_t a_t h_t.

    Z. Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016, equations 5 to 7.
    """

    def __init__(self, hidden_size: int):
        super().__init__(hidden_size)
        self.projection = nn.Linear(hidden_size, hidden_size)
        self.context = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, encoder_output, attention_mask):
        """Return each row's mean over its real tokens, weighted by the learned attention (softmax in float32)."""
        hidden = encoder_output.last_hidden_state
        scores = self.context(torch.tanh(self.projection(hidden))).squeeze(-1).float()
        scores = scores.masked_fill(attention_mask == 0, torch.finfo(torch.float32).min)
        weights = scores.softmax(1).to(hidden.dtype)
        return torch.einsum("bt,bth->bh", weights, hidden)


class ClsMean(Pooling):
    """The first token's vector beside the mean of the real tokens: [h_1 ; mean], twice as wide.

    Concatenation of token and average features follows J. Devlin et al., NAACL 2019, section 5.3, in spirit: the parts
    are `Cls` and `Mean`.
    """

    vectors_joined = 2

    def __init__(self, hidden_size: int):
        super().__init__(hidden_size)
        self.cls = Cls(hidden_size)
        self.mean = Mean(hidden_size)

    def forward(self, encoder_output, attention_mask):
        """Return both vectors side by side."""
        return torch.cat([self.cls(encoder_output, attention_mask), self.mean(encoder_output, attention_mask)], dim=-1)


POOLINGS: dict[str, type[Pooling]] = {
    "cls": Cls,
    "mean": Mean,
    "max": Max,
    "pooler": Pooler,
    "attention": LearnedAttention,
    "cls+mean": ClsMean,
}
