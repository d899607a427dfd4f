"""Which number format each device gets."""

import pytest
import torch

from bbc_classifier.training import precision
from bbc_classifier.training.arguments import ClassifierTrainingArguments


@pytest.mark.parametrize(
    ("requested", "device", "capability", "bf16_cpu", "expected"),
    [
        ("auto", "cuda", (9, 0), False, "bf16"),
        ("auto", "cuda", (7, 5), False, "fp16"),
        ("auto", "cpu", None, True, "bf16"),
        ("auto", "cpu", None, False, "fp32"),
        ("auto", "mps", None, False, "fp32"),
        ("fp32", "cuda", (9, 0), False, "fp32"),
        ("bf16", "cpu", None, False, "bf16"),
        ("fp16", "cuda", (9, 0), False, "fp16"),
    ],
)
def test_precision_by_device(monkeypatch, requested, device, capability, bf16_cpu, expected):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: capability)
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: bf16_cpu)
    assert precision.choose_precision(requested, device) == expected


def test_fp16_on_a_cpu_is_refused_because_it_would_silently_be_fp32():
    with pytest.raises(ValueError, match="fp16 needs a GPU"):
        precision.choose_precision("fp16", "cpu")


def test_the_choice_reaches_the_trainer(tmp_path):
    arguments = ClassifierTrainingArguments(output_dir=str(tmp_path), precision="bf16", use_cpu=True)
    assert (arguments.bf16, arguments.fp16, arguments.precision) == (True, False, "bf16")
    assert ClassifierTrainingArguments(output_dir=str(tmp_path), bf16=True, use_cpu=True).precision == "bf16"


def test_the_format_of_training_is_left_alone_in_fp32():
    with precision.autocast("fp32", "cpu"):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32
    with precision.autocast("bf16", "cpu"):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16
