"""Memory that does not suffice, refused by the real allocators: one sentence, and the options that help."""

import numpy as np
import pytest
import torch

from bbc_classifier.cli import main
from bbc_classifier.errors import InputError, OutOfMemory
from bbc_classifier.inference import batching, open_classifier
from bbc_classifier.memory import means_out_of_memory, memory_for

# More than any machine has, and than an address can say.
TOO_MUCH = 2**60
ASK = {
    "torch": lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
    "numpy": lambda: np.empty(TOO_MUCH, dtype=np.uint8),
    "python": lambda: bytearray(TOO_MUCH),
}


@pytest.mark.parametrize("allocator", ASK)
def test_what_an_allocator_refuses_is_said_with_what_helps(allocator):
    with (
        pytest.raises(OutOfMemory, match=r"^out of memory for a batch; take less$"),
        memory_for("a batch", "take less"),
    ):
        ASK[allocator]()


def test_the_innermost_knows_best_and_other_errors_stay_what_they_are():
    with pytest.raises(OutOfMemory, match="for step 3"), memory_for("training", ""), memory_for("step 3", ""):
        ASK["torch"]()
    with pytest.raises(InputError, match="the cell"), memory_for("training", ""):
        raise InputError("the cell is empty")
    assert not means_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def ask_in(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int = 1) -> None:
    """Let a call of a function ask for more memory than there is; the first, or a later one."""
    called, whole = [], getattr(owner, name)

    def asking(*args, **kwargs):
        called.append(name)
        return ASK["torch"]() if len(called) == call else whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, asking)


def test_predict_says_so_and_ends_with_one(tiny_classifier_folder, monkeypatch, capsys):
    ask_in(monkeypatch, batching, "pad_right")
    assert main(["predict", "--model", tiny_classifier_folder, "goal match"]) == 1
    error = capsys.readouterr().err
    assert "error: out of memory for a batch of 1 texts of 4 tokens; batches are small already" in error
    assert "Traceback" not in error and "--debug" not in error


def test_what_nobody_foresaw_is_still_said_in_a_sentence(tiny_classifier_folder, monkeypatch, capsys):
    ask_in(monkeypatch, open_classifier, "config_values")
    assert main(["predict", "--model", tiny_classifier_folder, "goal match"]) == 1
    error = capsys.readouterr().err
    assert "error: out of memory: end other programs, or give less at once" in error and "Traceback" not in error
