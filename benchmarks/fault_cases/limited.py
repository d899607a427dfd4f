"""A command in a process that may take no more than so many MiB besides its libraries: `limited.py MIB COMMAND …`."""

import re
import resource
import sys
from pathlib import Path

import datasets  # noqa: F401
import matplotlib.figure  # noqa: F401
import scipy.stats  # noqa: F401
import sklearn.linear_model  # noqa: F401
import torch
import transformers  # noqa: F401

import bbc_classifier.inference.files
import bbc_classifier.training.run  # noqa: F401
from bbc_classifier.cli import main


def take_at_most(mib: int) -> None:
    """Let the system refuse this process what it asks for beyond what it has now and so many MiB."""
    # Libraries that cannot be loaded for lack of memory do not say so, and some hang.
    torch.zeros(64, 64) @ torch.zeros(64, 64)
    found = re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    most = int(found[1]) * 1024 + mib * 2**20 if found else -1
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    take_at_most(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
