"""Which device this process computes on."""

import torch


def device_type(use_cpu: bool = False) -> str:
    """Return the accelerator's type, such as "cuda" or "mps", or "cpu" where there is none or `use_cpu` asks for it."""
    accelerator = None if use_cpu else torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if accelerator is None else accelerator.type
