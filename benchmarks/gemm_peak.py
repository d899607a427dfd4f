"""What this machine's matrix product reaches, the ceiling that throughput is held against."""

import time

import torch

SIZE, REPEATS = 2048, 12


def gemm_peak(dtype: torch.dtype, size: int = SIZE, repeats: int = REPEATS) -> float:
    """Return the best GFLOP/s of a few products of square matrices in `dtype`, on the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        _wait(device)
        started = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
