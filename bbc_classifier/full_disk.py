"""A full disk in one sentence, whatever the library that was writing makes of it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bbc_classifier.errors import NoSpace

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
# Libraries written in Rust (safetensors, tokenizers) hand on the system's text alone.
SAID = ("No space left on device", "Disk quota exceeded", "There is not enough space on the disk")
# torch.save notices that less was written than it meant to, and not why.
TORCH_WRITER = ("PytorchStreamWriter failed", "unexpected pos", "iostream error")


@contextmanager
def space_for(place: Path) -> Iterator[None]:
    """Say in one sentence that the disk is full where `place` is written.

    Raises:
        NoSpace: It is; of one inside another, the outer one names the place.
    """
    try:
        yield
    except NoSpace as error:
        raise NoSpace(place) from error
    except Exception as error:
        if means_full(error):
            raise NoSpace(place) from error
        raise


def means_full(error: BaseException) -> bool:
    """Whether an error, or one that it was raised for, says that there is no space left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in FULL:
            return True
        said = str(cause)
        if any(text in said for text in SAID):
            return True
        if isinstance(cause, RuntimeError) and any(text in said for text in TORCH_WRITER):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
