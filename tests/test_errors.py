"""Errors: what they say reaches another process as it is."""

import pickle
from pathlib import Path

import pytest

from bbc_classifier.errors import Diverged, InputError, Interrupted, NoSpace, OutOfMemory, WorldError


@pytest.mark.parametrize(
    "error",
    [
        InputError("no such file"),
        WorldError("no network"),
        NoSpace(Path("runs"), then="resume"),
        OutOfMemory("out of memory"),
        Diverged("no number"),
        Interrupted("stopped at step 3", 143),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_process_of_a_cluster_says_the_same_here(error):
    here = pickle.loads(pickle.dumps(error))
    assert type(here) is type(error) and str(here) == str(error) and here.exit_code == error.exit_code
