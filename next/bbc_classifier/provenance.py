"""What produced a result: versions, commit, hardware, seconds and memory. No path or host name is recorded."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path, PureWindowsPath
from typing import Any

RECORDED_PACKAGES = (
    "bbc-classifier torch transformers accelerate datasets evaluate tokenizers safetensors huggingface-hub onnx "
    "onnxruntime scikit-learn scipy numpy"
).split()


class Timer:
    """Wall-clock seconds of consecutive stages."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._stages: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        """Record that `stage` ends now."""
        now = time.perf_counter()
        self._stages[stage], self._last = now - self._last, now

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage and their total."""
        return {name: round(value, 2) for name, value in {**self._stages, "total": self._last - self._start}.items()}


def environment() -> dict[str, Any]:
    """Return versions, commit and hardware as plain data: the record's `provenance` entry."""
    return {"versions": _versions(), "commit": _commit(), "hardware": _hardware()}


def peak_memory_mb() -> dict[str, float]:
    """Return the peak memory of this process in MiB: resident set size, and on CUDA what torch allocated."""
    peak = {"rss": round(_peak_rss_bytes() / 2**20, 1)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["cuda"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def without_local_paths(value: Any) -> Any:
    """Return plain data in which every path outside the working directory is reduced to its last name."""
    if isinstance(value, dict):
        return {name: without_local_paths(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [without_local_paths(entry) for entry in value]
    if isinstance(value, str) and _is_local_path(value):
        return PureWindowsPath(value).name
    return value


def _is_local_path(text: str) -> bool:
    path = PureWindowsPath(text)
    if text.startswith(("..", "~", "/")) or path.drive or path.root:
        return True
    try:
        return any(separator in text for separator in "/\\") and Path(text).exists()
    except (OSError, ValueError):
        return False


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> str | None:
    """Return the commit of the checkout, with "+changes" if files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head, changes = (
            subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True, timeout=10).stdout
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.strip() + ("+changes" if changes.strip() else "")


def _hardware() -> dict[str, Any]:
    import psutil

    hardware: dict[str, Any] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        hardware["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            hardware["gpu"] = torch.cuda.get_device_name()
    return hardware


def _processor_name() -> str:
    """Return the processor's model name: Linux has it in a file only."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _peak_rss_bytes() -> int:
    """Return the peak resident set size. On Linux `ru_maxrss` starts at the parent's, so the kernel's file is read."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import psutil

    windows_peak: int | None = getattr(psutil.Process().memory_info(), "peak_wset", None)
    if windows_peak is not None:
        return windows_peak
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
