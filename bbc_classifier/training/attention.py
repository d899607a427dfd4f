"""Which attention kernel trains fastest on this device."""


def choose_attention(requested: str | None, device: str, precision: str) -> str | None:
    """Return the name of an attention implementation: what was asked for, or the fastest; None is the library's choice.

    On a processor in bf16 the plain products of "eager" are faster than torch's fused kernel, whose backward pass there
    is slow (benchmarks/training_step.py measures both). Both compute the same attention, rounded differently.

    Args:
        requested: What was asked for, or None.
        device: "cpu", "cuda" or "mps".
        precision: "fp32", "bf16" or "fp16".
    """
    return "eager" if requested is None and (device, precision) == ("cpu", "bf16") else requested
