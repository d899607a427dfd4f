"""Whether a launcher has started as many processes as it was asked for."""

import logging
import os
from collections.abc import Mapping

logger = logging.getLogger(__name__)


def started_fewer(environment: Mapping[str, str]) -> bool:
    """Whether `accelerate launch` was asked for several processes and has started this one only.

    On a CPU without MPI it prepares an address where the processes would meet, and then starts one without a rank.
    """
    launched = "ACCELERATE_MIXED_PRECISION" in environment
    return launched and "MASTER_ADDR" in environment and "WORLD_SIZE" not in environment


def warn_if_fewer() -> None:
    """Say so loudly, with the command that does start them."""
    if started_fewer(os.environ):
        logger.warning(
            "ONE PROCESS ONLY: the launcher was asked for several and started this one. On a CPU start them with: "
            "torchrun --nproc_per_node 2 --standalone -m bbc_classifier train …"
        )
