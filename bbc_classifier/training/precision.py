"""Which number format trains on this device."""

import platform

import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def choose_precision(requested: str, device: str) -> str:
    """Return "fp32", "bf16" or "fp16": what was asked for, or for "auto" what is fastest and safe on the device.

    bf16 needs its own instructions: without them a processor computes it in software, some twenty times slower than
    fp32, so "auto" never takes it there.

    Raises:
        ValueError: fp16 on a processor, where training would silently stay fp32.
    """
    if requested == "fp16" and device == "cpu":
        raise ValueError("--precision fp16 needs a GPU; on a CPU use fp32, or bf16 where the processor has it")
    if requested != "auto":
        return requested
    if device == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    if device == "cpu":
        return "bf16" if cpu_has_bf16() else "fp32"
    return "fp32"


def autocast(precision: str, device: str) -> torch.autocast:
    """Return the context in which a model runs in a format that `choose_precision` chose, as in training."""
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    return torch.autocast(device, dtype=dtype, enabled=precision != "fp32")


def cpu_has_bf16() -> bool:
    """Whether this processor multiplies bf16 matrices in hardware (AVX512-BF16 or AMX; no other is recognised)."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    # Private, and not in every torch we allow; one that lacks the question counts as a processor that lacks bf16.
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)
