"""A remembering encoder gives what it would have given, reads a batch once, and forgets the oldest when it is full."""

import copy

import pytest
import torch

from bbc_classifier.inference.batching import read_rows
from bbc_classifier.inference.encoder_memory import EncoderMemory

ROWS = [[2, 5 + row % 40, *range(9, 9 + row % 7), 3] for row in range(40)]


class Counted(EncoderMemory):
    """Counts how often encoders are really asked."""

    reads = 0

    def _keep(self, key, output):
        self.reads += 1
        super()._keep(key, output)


@pytest.mark.parametrize("pooling", ["mean", "pooler"])
def test_what_is_remembered_is_what_was_read(tiny_classifier, pooling):
    memory = Counted()
    plain, remembering = tiny_classifier(pooling=pooling), tiny_classifier(pooling=pooling)
    memory.attach(remembering)
    expected = read_rows(plain, ROWS, 0, tokens_per_batch=64)
    for _ in range(2):
        got = read_rows(remembering, ROWS, 0, tokens_per_batch=64)
        assert (got.vectors == expected.vectors).all() and (got.logits == expected.logits).all()
    batches = memory.reads
    assert batches > 3
    read_rows(remembering, ROWS, 0, tokens_per_batch=64)
    assert memory.reads == batches


def test_one_reading_serves_every_pooling_of_the_same_encoder(tiny_classifier):
    memory = Counted()
    mean = tiny_classifier(pooling="mean")
    models = {pooling: tiny_classifier(pooling=pooling) for pooling in ("mean", "cls", "max", "attention", "cls+mean")}
    for pooling, model in models.items():
        model.encoder.load_state_dict(mean.encoder.state_dict())
        expected = read_rows(copy.deepcopy(model), ROWS, 0)
        memory.attach(model)
        assert (read_rows(model, ROWS, 0).vectors == expected.vectors).all(), pooling
    assert memory.reads == 1


def test_other_weights_another_precision_and_another_kernel_are_read_anew(tiny_classifier):
    memory = Counted()
    model = tiny_classifier()
    memory.attach(model)
    read_rows(model, ROWS, 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        read_rows(model, ROWS, 0)
    assert memory.reads == 2
    other = tiny_classifier()
    with torch.no_grad():
        next(other.encoder.parameters()).add_(0.1)
    memory.attach(other)
    read_rows(other, ROWS, 0)
    assert memory.reads == 3
    eager = tiny_classifier()
    eager.encoder.set_attn_implementation("eager")
    memory.attach(eager)
    read_rows(eager, ROWS, 0)
    assert memory.reads == 4


def test_the_batch_that_was_not_asked_for_longest_is_forgotten(tiny_classifier):
    model = tiny_classifier()
    # One batch of states of 10 rows, 4 tokens, 24 wide, in fp32 fits; two do not.
    memory = Counted(most_bytes=10 * 4 * 24 * 4 + 100)
    memory.attach(model)
    first, second = [[[2, token, token, 3]] * 10 for token in (7, 8)]
    for rows in (first, second, first):
        read_rows(model, rows, 0)
    assert memory.reads == 3
    read_rows(model, first, 0)
    assert memory.reads == 3
