"""Every file of a real checkpoint, spoilt at a random place: it is noticed, whichever file it is."""

import random

import pytest

from bbc_classifier.training.checkpoints import Checkpoints, fault_of
from tests.training.conftest import interrupt_at
from tests.training.test_checkpoints import OPTIONS


def test_a_bit_or_an_end_is_missed_in_no_file_of_a_checkpoint(run_training, monkeypatch, tmp_path):
    rng = random.Random(0)
    interrupt_at(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        run_training(**OPTIONS)
    (checkpoint,) = Checkpoints(tmp_path / "run" / "checkpoints").all()
    files = sorted(checkpoint.iterdir())
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} <= {
        path.name for path in files
    }
    for file in files:
        content = file.read_bytes()
        place = rng.randrange(len(content))
        flipped = content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
        for damaged in (flipped, content[: rng.randrange(len(content))], b""):
            file.write_bytes(damaged)
            assert fault_of(checkpoint), file.name
        file.unlink()
        assert fault_of(checkpoint), file.name
        file.write_bytes(content)
    assert fault_of(checkpoint) is None
