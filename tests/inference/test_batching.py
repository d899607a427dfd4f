"""Logits come back in the caller's order, whatever the batches were."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbc_classifier.errors import InputError
from bbc_classifier.inference.batching import batches_by_length, pad_right, predict_logits

TOKENS = st.lists(st.integers(5, 60), min_size=1, max_size=20)
SHARED_MODEL = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 4096))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = list(batches_by_length(lengths, budget))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = max(lengths[row] for row in batch) * len(batch)
        assert padded <= budget or len(batch) == 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=60), st.integers(1, 4096))
def test_no_batch_could_have_taken_the_first_row_of_the_next(lengths, budget):
    batches = list(batches_by_length(lengths, budget))
    for batch in batches[:-1]:
        assert max(lengths[row] for row in batch) * (len(batch) + 1) > budget


def test_the_longest_rows_come_first_so_that_memory_runs_out_at_once_or_never():
    assert next(batches_by_length([3, 9, 5, 9], 18)) == [1, 3]


def test_padding_is_on_the_right_and_the_mask_hides_it():
    ids, mask = pad_right([[7, 8, 9], [5]], pad_token_id=0)
    assert ids.tolist() == [[7, 8, 9], [5, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


@SHARED_MODEL
@given(rows=st.lists(TOKENS, min_size=1, max_size=8), budget=st.integers(1, 200), shuffler=st.randoms())
def test_neither_the_budget_nor_the_order_of_the_texts_changes_an_answer(tiny_classifier, rows, budget, shuffler):
    model = tiny_classifier()
    order = shuffler.sample(range(len(rows)), len(rows))
    alone = np.concatenate([predict_logits(model, [row], 0) for row in rows])
    batched = predict_logits(model, [rows[index] for index in order], 0, tokens_per_batch=budget)
    np.testing.assert_allclose(batched, alone[order], atol=1e-5)


def test_logits_are_float64_and_one_row_per_text(tiny_classifier):
    logits = predict_logits(tiny_classifier(), [[2, 9, 3], [2, 3]], 0)
    assert logits.dtype == np.float64 and logits.shape == (2, 5)


def test_no_texts_give_no_logits(tiny_classifier):
    assert predict_logits(tiny_classifier(), [], 0).shape == (0, 5)


def test_a_model_in_training_mode_is_put_into_evaluation_mode(tiny_classifier):
    # The tiny encoder has no dropout of its own; the head has.
    model = tiny_classifier(classifier_dropout=0.5).train()
    assert (predict_logits(model, [[2, 9, 3]], 0) == predict_logits(model, [[2, 9, 3]], 0)).all()
    assert not model.training


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_outputs_that_are_no_numbers_are_an_error_and_not_an_answer(tiny_classifier, number):
    model = tiny_classifier()
    with torch.no_grad():
        model.classifier.bias[1] = number
    with pytest.raises(InputError, match="outputs for 2 of 2 texts are no numbers"):
        predict_logits(model, [[2, 9, 3], [2, 3]], 0)


def test_a_token_that_the_encoder_does_not_know_is_refused(tiny_classifier):
    model = tiny_classifier()
    known = model.config.encoder_config.vocab_size
    predict_logits(model, [[2, known - 1, 3]], 0)
    with pytest.raises(InputError, match=f"knows a token {known}, the encoder {known} in all: its files are damaged"):
        predict_logits(model, [[2, 3], [2, known, 3]], 0)
