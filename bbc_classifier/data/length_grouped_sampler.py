"""Batches of texts of like length, in an order that depends on the seed and the epoch and on nothing else."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


class LengthGroupedSampler(Sampler[int]):
    """Yield every row once per epoch, so that consecutive batches hold rows of like length.

    Rows are shuffled, cut into pools of `batches_per_pool` batches, sorted by length within each pool, and the batches
    of all pools are shuffled. The order is a function of (seed, epoch): a resumed run, which calls `set_epoch` and
    skips the batches already seen, sees exactly the rows the uninterrupted run would have seen. The library's own
    length-grouped sampler draws from the global random state and cannot promise that.

    Args:
        lengths: Length of each row in tokens.
        batch_size: Rows per batch over all processes.
        seed: Seed of the order.
        batches_per_pool: Batches sorted together: more means less padding, fewer means more randomness.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, batches_per_pool: int = 50):
        self.lengths = list(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.pool_size = batch_size * batches_per_pool
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration yields; the data loader calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        shuffled = torch.randperm(len(self.lengths), generator=generator).tolist()
        batches: list[list[int]] = []
        for start in range(0, len(shuffled), self.pool_size):
            pool = sorted(shuffled[start : start + self.pool_size], key=lambda row: -self.lengths[row])
            batches += [pool[row : row + self.batch_size] for row in range(0, len(pool), self.batch_size)]
        # A short batch must stay last, or it would shift every later batch's borders.
        full = [batch for batch in batches if len(batch) == self.batch_size]
        short = [row for batch in batches if len(batch) < self.batch_size for row in batch]
        for position in torch.randperm(len(full), generator=generator).tolist():
            yield from full[position]
        yield from short
