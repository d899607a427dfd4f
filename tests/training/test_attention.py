"""Which attention kernel trains, and that the record says so."""

import pytest

from bbc_classifier.records import read_json
from bbc_classifier.training.attention import choose_attention


@pytest.mark.parametrize(
    ("requested", "device", "precision", "tokens", "trains_encoder", "chosen"),
    [
        (None, "cpu", "bf16", 128, True, "eager"),
        (None, "cpu", "bf16", 129, True, None),
        (None, "cpu", "bf16", 128, False, None),
        (None, "cpu", "fp32", 128, True, None),
        (None, "cuda", "bf16", 128, True, None),
        ("sdpa", "cpu", "bf16", 128, True, "sdpa"),
        ("eager", "cuda", "fp32", 512, False, "eager"),
    ],
)
def test_the_kernel_is_what_was_asked_for_or_the_fastest_here(
    requested, device, precision, tokens, trains_encoder, chosen
):
    assert choose_attention(requested, device, precision, tokens=tokens, trains_encoder=trains_encoder) == chosen


@pytest.mark.parametrize(("precision", "attention"), [("bf16", "eager"), ("fp32", "sdpa")])
def test_the_record_says_which_kernel_trained(run_training, precision, attention):
    run = run_training(precision=precision, max_steps=1, use_cpu=True)
    assert read_json(run.record)["training"]["attention"] == attention
