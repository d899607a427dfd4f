"""What libraries raise of a value in a model's files that they cannot use, in one sentence.

Some values are only looked at when a text is there. No trial text could stand in for it: one encoder needs four tokens,
another reads all texts differently once it has read a short one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bbc_classifier.errors import InputError, WorldError

OF_ANOTHER_KIND = (AttributeError, LookupError, TypeError)


@contextmanager
def usable_values(what: str) -> Iterator[None]:
    """Say in one sentence that a model cannot be computed with.

    Args:
        what: The model, as the beginning of a sentence.

    Raises:
        InputError: A value in its files is not one that the library can use.
    """
    try:
        yield
    except (InputError, WorldError):
        raise
    except (*OF_ANOTHER_KIND, ArithmeticError, ValueError) as error:
        raise InputError(f"{what} cannot be computed with: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    """Return in a few words why a model's files are of no use."""
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, OF_ANOTHER_KIND):
        return f"a value in its files is of another kind than is meant there ({reason})"
    return reason
