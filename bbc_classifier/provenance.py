"""On what a run ran: versions, commit, hardware, memory, and the hash of the weights."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from typing import Any

import psutil

RECORDED_PACKAGES = (
    "bbc-classifier",
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "evaluate",
    "tokenizers",
    "safetensors",
    "huggingface-hub",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "scipy",
    "numpy",
)
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
)
# Weights have their own hash, and code that lies beside them is not run.
NO_SETTINGS = {".py", *(Path(name).suffix for name in WEIGHT_FILES if not name.endswith(".json"))}


def provenance() -> dict[str, Any]:
    """Return versions, commit and hardware of this process as plain data; no path and no host name is in it."""
    return {"versions": versions(), "commit": commit(), "hardware": hardware()}


def without_folders(options: Any) -> Any:
    """Return options with each path that leads out of here cut to its last name: a record tells no machine's folders.

    Args:
        options: Plain data, nested as it may be.
    """
    if isinstance(options, dict):
        return {name: without_folders(value) for name, value in options.items()}
    if isinstance(options, list):
        return [without_folders(value) for value in options]
    return PureWindowsPath(options).name if isinstance(options, str) and _leads_away(options) else options


def _leads_away(option: str) -> bool:
    """Whether an option is a path of this machine, of whatever system: one that leads out of here, or into a folder."""
    windows = PureWindowsPath(option)
    if option.startswith(("..", "~", "/")) or windows.drive or windows.root:
        return True
    return any(separator in option for separator in "/\\") and _is_there(option)


def _is_there(option: str) -> bool:
    try:
        return Path(option).exists()
    except (OSError, ValueError):  # no name that a file can have
        return False


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a result."""
    installed = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def commit() -> str | None:
    """Return the commit this package runs from, with "+changes" if files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if changed else head


def hardware() -> dict[str, Any]:
    """Return processor, cores, memory and, where torch sees one, the GPU."""
    facts: dict[str, Any] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        facts["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            facts["gpu"] = torch.cuda.get_device_name()
    return facts


def peak_memory_mib() -> dict[str, float]:
    """Return the most memory this process has held: resident, and on the GPU where there is one."""
    peak = {"resident": round(_peak_resident_bytes() / 2**20, 1)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["gpu"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, the figure `sha256sum` prints."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settings_sha256(folder: Path) -> dict[str, str]:
    """Return the hash of every file of a classifier's configuration and tokenizer, by its name in the folder."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.suffix not in NO_SETTINGS]
    return {file.name: settings_file_sha256(file) for file in files}


def settings_file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file with the line ends of Unix: a checkout may have given it those of its system."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def weights_file(folder: Path) -> Path | None:
    """Return the file in `folder` that the weights (or the index of their shards) are in, or None."""
    return next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)


def _git(root: Path, *arguments: str) -> str:
    finished = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    return finished.stdout.strip()


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _peak_resident_bytes() -> int:
    """Return the peak resident size; Linux counts it in KiB, macOS in bytes, Windows has a name of its own."""
    status = Path("/proc/self/status")
    if status.is_file():
        # The other figure that Linux has begins with the peak of the process that started this one.
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    memory = psutil.Process().memory_info()
    windows_peak: int | None = getattr(memory, "peak_wset", None)
    if windows_peak is not None:
        return windows_peak
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
