"""Memory that was not enough, in one sentence with the option that helps, whatever the library calls it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bbc_classifier.errors import OutOfMemory

# What allocators say where they raise a plain RuntimeError: torch's on each device, C++'s own, onnxruntime's.
SAID = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "bad_alloc",
    "bad allocation",
    "Failed to allocate memory",
    "Cannot allocate memory",
)


@contextmanager
def memory_for(what: str, instead: str) -> Iterator[None]:
    """Say in one sentence that the memory did not suffice.

    Args:
        what: What it was for: "step 3, on 16 rows".
        instead: What helps.

    Raises:
        OutOfMemory: It did not; of one inside another, the inner one knows better.
    """
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if means_out_of_memory(error):
            raise OutOfMemory(f"out of memory for {what}; {instead}") from error
        raise


def means_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it was raised for, says that memory did not suffice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or any(text in str(cause) for text in SAID):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
