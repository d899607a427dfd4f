"""A linear classifier on which tokens a text has, beside the encoder's: TF-IDF inside the model.

It reads the whole text, however much of it the encoder reads. Nothing depends on a list of words or a language.
"""

import torch
from torch import nn

# Pairs of neighbouring tokens share this many buckets; two that meet in one count as the same.
PAIR_BUCKETS = 2**16
# Odd factors, so that neither token of a pair is lost modulo a power of two.
FIRST_FACTOR, SECOND_FACTOR = 1_000_003, 7_919


class LexicalHead(nn.Module):
    """Scores of a text from the tokens and pairs of neighbouring tokens it has: W x.

    x_k = (1 + ln n_k) idf_k for a token or bucket k that stands n_k > 0 times in the text, 0 for others; x is then
    scaled to length 1. Sublinear TF-IDF: G. Salton and C. Buckley, 1988; pairs hashed into buckets: A. Joulin et al.,
    "Bag of Tricks for Efficient Text Classification", EACL 2017, section 2.2.
    """

    idf: torch.Tensor

    def __init__(self, vocabulary: int, labels: int):
        super().__init__()
        self.vocabulary = vocabulary
        self.scores = nn.Linear(vocabulary + PAIR_BUCKETS, labels, bias=False)
        self.register_buffer("idf", torch.ones(vocabulary + PAIR_BUCKETS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return (batch, labels) from ids (batch, tokens) int64 and their mask, neither cut nor moved."""
        return self.scores(self.features(input_ids, attention_mask).to(self.scores.weight.dtype))

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return x of each row, (batch, vocabulary + buckets) float32."""
        counts = self.counts(input_ids, attention_mask)
        weighed = torch.where(counts > 0, 1 + counts.clamp(min=1).log(), 0.0) * self.idf
        return nn.functional.normalize(weighed, dim=-1)

    def counts(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return how often each row has each token and bucket, (batch, vocabulary + buckets) float32."""
        real = attention_mask != 0
        first, second = input_ids[:, :-1], input_ids[:, 1:]
        buckets = (first * FIRST_FACTOR + second * SECOND_FACTOR) % PAIR_BUCKETS
        columns = torch.cat([input_ids, self.vocabulary + buckets], dim=1)
        there = torch.cat([real, real[:, :-1] & real[:, 1:]], dim=1)
        counts = torch.zeros(len(input_ids), self.idf.shape[0], device=input_ids.device)
        return counts.scatter_add(1, columns, there.float())
