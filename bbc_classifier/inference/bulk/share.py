"""Which shards are this process's, where a launcher has started several."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Share:
    """One process of several.

    Attributes:
        rank: Which one, from 0.
        processes: How many there are.
        local_rank: Which one on its machine, from 0.
    """

    rank: int = 0
    processes: int = 1
    local_rank: int = 0

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Share":
        """Return what `torchrun` or `accelerate launch` has said; all of it without them."""
        rank, processes, local = (int(environment.get(name, 0)) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        return cls(rank, processes, local) if processes > 1 else cls()

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return every so-manieth item, from this process's first on."""
        return list(items[self.rank :: self.processes])

    def device(self, asked_for: str | None, accelerator: str) -> str | None:
        """Return the device of this process: one of its own where each can have one.

        Args:
            asked_for: What the user asked for, if anything.
            accelerator: The kind of accelerator there is, such as "cuda".
        """
        if asked_for or self.processes == 1 or accelerator != "cuda":
            return asked_for
        return f"cuda:{self.local_rank}"
