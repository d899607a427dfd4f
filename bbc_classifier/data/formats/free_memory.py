"""How much memory is left: of the machine's, of its container's, and of what this process may have."""

from collections.abc import Iterator
from pathlib import Path

import psutil

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

# Where a container sees its control group, the new kind and the old: limit, use, and which of it is cache.
CONTROL_GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory() -> int:
    """Return how many bytes this process may still take."""
    return max(0, min([psutil.virtual_memory().available, *_left_of_limits()]))


def _left_of_limits() -> Iterator[int]:
    """Yield what is left of each limit that is set."""
    for folder, limit, used, cache in CONTROL_GROUPS:
        most = _number(folder / limit)
        if most is not None:
            yield most - (_number(folder / used) or 0) + _of_statistics(folder / "memory.stat", cache)
    if resource is not None and psutil.LINUX:
        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            yield most - psutil.Process().memory_info().vms


def _number(file: Path) -> int | None:
    """Return the number in a file; None where there is no such file, or it says that there is no limit."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _of_statistics(file: Path, name: str) -> int:
    """Return a figure of a control group: what it holds of files is given back whenever somebody needs the memory."""
    try:
        rows = dict(line.split(maxsplit=1) for line in file.read_text().splitlines())
        return int(rows.get(name, 0))
    except (OSError, ValueError):
        return 0
