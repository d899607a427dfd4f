"""Which attention kernel trains, and that the record says so."""

import pytest

from bbc_classifier.records import read_json
from bbc_classifier.training.attention import choose_attention


@pytest.mark.parametrize(
    ("requested", "device", "precision", "chosen"),
    [
        (None, "cpu", "bf16", "eager"),
        (None, "cpu", "fp32", None),
        (None, "cuda", "bf16", None),
        ("sdpa", "cpu", "bf16", "sdpa"),
        ("eager", "cuda", "fp32", "eager"),
    ],
)
def test_the_attention_kernel_is_what_was_asked_for_or_the_fastest_here(requested, device, precision, chosen):
    assert choose_attention(requested, device, precision) == chosen


@pytest.mark.parametrize(("precision", "attention"), [("bf16", "eager"), ("fp32", "sdpa")])
def test_the_record_says_which_kernel_trained(run_training, precision, attention):
    run = run_training(precision=precision, max_steps=1, use_cpu=True)
    assert read_json(run.record)["training"]["attention"] == attention
