"""What produced a result: versions, commit, hardware, seconds and memory. No path or host name is recorded."""

import glob
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath
from typing import Any

import psutil

RECORDED_PACKAGES = (
    "bbc-classifier torch transformers accelerate datasets evaluate tokenizers safetensors huggingface-hub onnx "
    "onnxruntime openvino nncf scikit-learn scipy numpy"
).split()
NOT_PATHS = ("label_separator", "delimiter")  # options whose value may look like one


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


def record_header() -> dict[str, Any]:
    """Return the first entries of every record: the version of its format, and when it was made."""
    return {"schema": 2, "created": datetime.now(UTC).isoformat(timespec="seconds")}


def environment() -> dict[str, Any]:
    """Return versions, commit and hardware as plain data: the record's `provenance` entry."""
    versions = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    hardware: dict[str, Any] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _from_proc("cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    if torch := sys.modules.get("torch"):
        hardware["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            hardware["gpu"] = torch.cuda.get_device_name()
    return {"versions": versions, "commit": _commit(), "hardware": hardware}


def peak_memory_mb() -> dict[str, float]:
    """Return the peak memory of this process in MiB: resident set size, and on CUDA what torch allocated."""
    # On Linux `ru_maxrss` starts at the parent's, so the kernel's file is read.
    if kib := _from_proc("self/status", "VmHWM"):
        rss = int(kib.split()[0]) * 1024
    elif sys.platform == "win32":
        rss = psutil.Process().memory_info().peak_wset
    else:
        import resource

        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    peak = {"rss": round(rss / 2**20, 1)}
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        peak["cuda"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def without_local_paths(value: Any) -> Any:
    """Return plain data in which every path of this machine is reduced to its last name."""
    if isinstance(value, dict):
        return {name: entry if name in NOT_PATHS else without_local_paths(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [without_local_paths(entry) for entry in value]
    if not isinstance(value, str):
        return value
    is_local = value.startswith(("..", "~")) or bool(PureWindowsPath(value).anchor)
    with suppress(OSError):  # too long for a path
        is_local = is_local or (("/" in value or "\\" in value) and (glob.has_magic(value) or Path(value).exists()))
    return PureWindowsPath(value).name if is_local else value


def _commit() -> str | None:
    """Return the commit of the checkout, with "+changes" if files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    return None


def _from_proc(file: str, name: str) -> str | None:
    """Return a value in a file of Linux's /proc; None on other systems."""
    path = Path("/proc", file)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    match = re.search(rf"^{name}\s*:\s*(.+)", text, re.MULTILINE)
    return match[1] if match else None
