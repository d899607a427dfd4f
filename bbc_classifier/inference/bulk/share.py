"""Which shards are this process's, where a launcher has started several."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bbc_classifier.errors import InputError

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
        """Return what `torchrun` or `accelerate launch` has said; all of it without them.

        Raises:
            InputError: What was said is no share, or half of one: rows would be left to a process that is not there.
        """
        processes = _number(environment, "WORLD_SIZE", 1)
        if processes <= 1:
            return cls()
        rank = _number(environment, "RANK", -1)
        if not 0 <= rank < processes:
            raise InputError(
                f"the environment says WORLD_SIZE={processes} and RANK={environment.get('RANK', '')}: a launcher sets "
                f"RANK from 0 to {processes - 1}; without one, unset both"
            )
        return cls(rank, processes, _number(environment, "LOCAL_RANK", 0))

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


def _number(environment: Mapping[str, str], name: str, unset: int) -> int:
    said = environment.get(name, "")
    if said and not said.isdecimal():
        raise InputError(f"the environment says {name}={said}, which is no number of processes; unset it")
    return int(said) if said else unset
