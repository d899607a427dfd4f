"""What every contender is given and what it hands back, so that one clock and one judge serve them all.

A contender is a program of its own: `python benchmarks/contenders/NAME.py TASK ANSWER`. TASK is a JSON file with the
rows; ANSWER is the JSON file it writes, with the moment its model lay on disk. Everything before that moment counts as
training, imports included; what it predicts afterwards does not.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bbc_classifier.provenance import peak_memory_mib
from bbc_classifier.records import read_json, write_json

FORWARD, FORWARD_AND_BACKWARD = 1, 3


@dataclass
class Rows:
    """Texts and the class index of each."""

    texts: list[str]
    labels: list[int]


@dataclass
class Work:
    """The matrix work that training asked of an encoder.

    Attributes:
        layers, width, inner: Of the encoder.
        lengths: Tokens of each sequence that went through it, as they were given (padding included where padded).
        passes: 1 for reading; 3 for training, whose backward pass costs two forward ones.
        seconds: What the training proper took, without imports and loading.
    """

    layers: int
    width: int
    inner: int
    lengths: Sequence[int]
    passes: int
    seconds: float

    def gflop(self) -> float:
        """Return the multiplications and additions, in 10^9.

        Per layer and token 2 (4 width² + 2 width inner) for the linear maps and 4 width length for attention (J.
        Kaplan et al., "Scaling Laws for Neural Language Models", 2020, table 1, the attention term for both products).
        """
        tokens, squares = sum(self.lengths), sum(length * length for length in self.lengths)
        linear = 2 * (4 * self.width**2 + 2 * self.width * self.inner) * tokens
        return self.layers * self.passes * (linear + 4 * self.width * squares) / 1e9


@dataclass
class Task:
    """One training to do.

    Attributes:
        labels: The class names.
        train, validation, test: The rows of each side.
        seed: What the contender shall be seeded with.
        encoder: Folder of the pretrained encoder.
        options: What this contender needs besides.
    """

    labels: list[str]
    train: Rows
    validation: Rows
    test: Rows
    seed: int
    encoder: str
    options: dict[str, Any] = field(default_factory=dict)
    answer: Path = Path()
    model: Path = Path()
    _saved_at: float = 0.0

    def saved(self, at: float | None = None) -> None:
        """Say that the trained model lies on disk, now or since `at` (seconds since 1970): the clock stops."""
        self._saved_at = time.time() if at is None else at

    def finish(self, predictions: Sequence[int], work: Work | None = None) -> None:
        """Write the answer.

        Args:
            predictions: A class index per test row.
            work: Where an encoder was used.
        """
        right = [int(given) == true for given, true in zip(predictions, self.test.labels, strict=True)]
        throughput = None if work is None else work.gflop() / work.seconds
        write_json(
            self.answer,
            {
                "saved_at": self._saved_at,
                "correct": sum(right),
                "n": len(right),
                "gflop_per_second": throughput,
                "peak_memory_mib": peak_memory_mib(),
            },
        )


def read_task() -> Task:
    """Read the task that the command line names."""
    content = read_json(Path(sys.argv[1]))
    sides = {side: Rows(**content.pop(side)) for side in ("train", "validation", "test")}
    folder = Path(tempfile.mkdtemp(dir=Path(sys.argv[2]).parent))
    return Task(**content, **sides, answer=Path(sys.argv[2]), model=folder)
