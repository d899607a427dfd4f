"""Which device this process computes on."""

import torch


def device_type(use_cpu: bool = False) -> str:
    """Return the accelerator's type, such as "cuda" or "mps", or "cpu" where there is none or `use_cpu` asks for it."""
    if use_cpu or not torch.accelerator.is_available():
        return "cpu"
    accelerator = torch.accelerator.current_accelerator()
    return "cpu" if accelerator is None else accelerator.type
