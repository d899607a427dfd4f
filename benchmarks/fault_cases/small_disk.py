"""A disk of a few megabytes that a test can fill: a file system in memory, which only Linux's root can mount."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096
ROOMY = 64 * 2**20


def why_no_small_disk() -> str | None:
    """Return why this process cannot mount one, or None."""
    if sys.platform != "linux":
        return "needs Linux's tmpfs"
    if os.geteuid() != 0:
        return "needs root, to mount a small disk"
    return None if shutil.which("mount") else "needs the command mount"


class SmallDisk:
    """A mounted disk."""

    def __init__(self, place: Path):
        self.place = place

    def resize(self, size: int) -> None:
        """Give the disk so many bytes in all, in pages."""
        options = f"remount,size={max(PAGE, size // PAGE * PAGE)}"
        subprocess.run(["mount", "-o", options, str(self.place)], check=True)

    def leave(self, left: int) -> None:
        """Make the disk so small that so many bytes are left."""
        self.resize(self.used() + left)

    def used(self) -> int:
        """Return the bytes in use."""
        return shutil.disk_usage(self.place).used


@contextmanager
def small_disk(place: Path) -> Iterator[SmallDisk]:
    """Mount a disk with room enough, and take it away in the end."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", str(place)], check=True)
    try:
        yield SmallDisk(place)
    finally:
        # An error that is still looked at may hold a file open.
        subprocess.run(["umount", "--lazy", str(place)], check=True)
