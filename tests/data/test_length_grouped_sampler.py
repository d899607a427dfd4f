"""The order is a function of seed and epoch alone, and a resumed run sees exactly the rest of it."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from accelerate import skip_first_batches
from accelerate.data_loader import DataLoaderShard, prepare_data_loader
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from bbc_classifier.data.length_grouped_sampler import LengthGroupedSampler

QUICK = settings(max_examples=40, deadline=None)
LENGTHS = st.lists(st.integers(2, 512), max_size=300)


def order(sampler: LengthGroupedSampler, epoch: int = 0) -> list[int]:
    sampler.set_epoch(epoch)
    return list(sampler)


def batches(rows: list[int], size: int) -> list[list[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def log_normal_lengths(rows: int) -> list[int]:
    return np.random.default_rng(0).lognormal(5, 0.6, rows).astype(int).tolist()


@QUICK
@given(LENGTHS, st.integers(1, 32), st.integers(0, 2**32), st.integers(0, 20), st.integers(1, 5))
def test_every_row_comes_exactly_once(lengths, batch_size, seed, epoch, pool):
    sampler = LengthGroupedSampler(lengths, batch_size, seed, batches_per_pool=pool)
    assert sorted(order(sampler, epoch)) == list(range(len(lengths))) == list(range(len(sampler)))


@QUICK
@given(LENGTHS, st.integers(1, 32), st.integers(0, 2**32), st.integers(0, 20))
def test_the_order_depends_on_seed_and_epoch_and_on_no_global_random_state(lengths, batch_size, seed, epoch):
    torch.manual_seed(1)
    once = order(LengthGroupedSampler(lengths, batch_size, seed), epoch)
    torch.manual_seed(2)
    np.random.seed(2)
    random.seed(2)
    state = torch.get_rng_state()
    again = order(LengthGroupedSampler(lengths, batch_size, seed), epoch)
    assert once == again
    assert torch.equal(state, torch.get_rng_state())


def test_other_epochs_and_other_seeds_give_other_orders():
    lengths = log_normal_lengths(200)
    orders = [tuple(order(LengthGroupedSampler(lengths, 16, seed), epoch)) for seed in (1, 2) for epoch in (0, 1, 2)]
    assert len(set(orders)) == 6


def test_an_epoch_does_not_depend_on_the_epochs_before_it():
    lengths = log_normal_lengths(200)
    walked = LengthGroupedSampler(lengths, 16, 7)
    for epoch in range(3):
        last = order(walked, epoch)
    assert last == order(LengthGroupedSampler(lengths, 16, 7), 2)


@QUICK
@given(st.lists(st.integers(2, 512), min_size=1, max_size=300), st.integers(1, 32), st.integers(1, 4))
def test_every_full_batch_is_of_one_pool_and_longest_first(lengths, batch_size, pool):
    rows = order(LengthGroupedSampler(lengths, batch_size, 0, batches_per_pool=pool))
    for batch in batches(rows, batch_size):
        sizes = [lengths[row] for row in batch]
        assert sizes == sorted(sizes, reverse=True)


@QUICK
@given(st.lists(st.integers(2, 512), min_size=2, max_size=100, unique=True), st.integers(2, 16))
def test_the_batches_of_one_pool_do_not_overlap_in_length(lengths, batch_size):
    rows = order(LengthGroupedSampler(lengths, batch_size, 0, batches_per_pool=100))
    spans = sorted((min(sizes), max(sizes)) for sizes in ([lengths[r] for r in b] for b in batches(rows, batch_size)))
    assert all(high < low for (_, high), (low, _) in pairwise(spans))


def test_the_lengths_in_a_batch_are_much_closer_than_in_a_random_order():
    lengths = np.array(log_normal_lengths(1500))
    grouped = order(LengthGroupedSampler(lengths.tolist(), 16, 0))
    shuffled = np.random.default_rng(0).permutation(len(lengths)).tolist()

    def padded_tokens(rows: list[int]) -> int:
        return sum(int(lengths[batch].max()) * len(batch) for batch in batches(rows, 16))

    assert padded_tokens(grouped) < 1.1 * lengths.sum() < 1.5 * lengths.sum() < padded_tokens(shuffled)


def loader_over(sampler: LengthGroupedSampler, batch_size: int = 4) -> DataLoaderShard:
    rows = list(range(len(sampler)))
    loader = prepare_data_loader(DataLoader(rows, sampler=sampler, batch_size=batch_size), put_on_device=False)
    assert isinstance(loader, DataLoaderShard)
    return loader


def rows_of(loader: DataLoaderShard) -> list[list[int]]:
    return [batch.tolist() for batch in loader]


@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_the_prepared_data_loader_passes_the_epoch_on_to_the_sampler(epoch):
    lengths = log_normal_lengths(30)
    loader = loader_over(LengthGroupedSampler(lengths, 4, 3))
    loader.set_epoch(epoch)
    expected = order(LengthGroupedSampler(lengths, 4, 3), epoch)
    assert rows_of(loader) == batches(expected, 4)


@pytest.mark.parametrize("seen", [0, 1, 5, 7])
def test_a_resumed_run_sees_exactly_the_batches_that_were_left(seen):
    lengths = log_normal_lengths(30)
    uninterrupted = loader_over(LengthGroupedSampler(lengths, 4, 3))
    uninterrupted.set_epoch(0)
    rows_of(uninterrupted)
    uninterrupted.set_epoch(1)
    whole = rows_of(uninterrupted)
    # The resumed process builds everything anew, sets the epoch, and skips what was seen.
    resumed = loader_over(LengthGroupedSampler(lengths, 4, 3))
    resumed.set_epoch(1)
    rest = skip_first_batches(resumed, seen)
    rest.set_epoch(1)
    assert rows_of(rest) == whole[seen:]


def test_only_the_last_batch_is_partial():
    sizes = [len(batch) for batch in rows_of(loader_over(LengthGroupedSampler(log_normal_lengths(30), 4, 3)))]
    assert sizes == [4] * 7 + [2]
