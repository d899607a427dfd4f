"""Which attention kernel trains fastest on this device."""

# From here on the memory that "eager" moves, quadratic in the tokens, costs more than the fused kernel's backward pass.
LONGEST_EAGER = 128


def choose_attention(
    requested: str | None, device: str, precision: str, *, tokens: int, trains_encoder: bool
) -> str | None:
    """Return the name of an attention implementation: what was asked for, or the fastest; None is the library's choice.

    On a processor in bf16, a training step on short texts is faster with the plain products of "eager" than with
    torch's fused kernel, whose backward pass there is slow; reading alone never is (benchmarks/training_step.py
    measures it). Both compute the same attention, rounded differently.

    Args:
        requested: What was asked for, or None.
        device: "cpu", "cuda" or "mps".
        precision: "fp32", "bf16" or "fp16".
        tokens: Most tokens the encoder reads of a text.
        trains_encoder: Whether there is any training step, so that a backward pass is needed.
    """
    if requested is not None:
        return requested
    short_steps = trains_encoder and tokens <= LONGEST_EAGER
    return "eager" if short_steps and (device, precision) == ("cpu", "bf16") else None
