"""The options of `bbc-classifier compare` that `train` does not have; those of `train` go beside them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from bbc_classifier.errors import InputError

MODES = ("finetune", "probe")
ENGINES = ("local", "ray")
# Options that say where and when cells are run, and not what they are: a later call may have others.
OF_ONE_CALL = frozenset({"shard", "engine", "cpus_per_cell", "gpus_per_cell"})
EVERYTHING = "all"


@dataclass
class CompareArguments:
    """Which configurations, how often, and on how much."""

    encoders: str = field(
        default="bert-base,distilbert,tinybert",
        metadata={"help": "Encoders by short name, Hub id or folder, with commas between."},
    )
    poolings: str = field(default="cls,mean,pooler", metadata={"help": "Poolings, with commas between."})
    seeds: int = field(default=1, metadata={"help": "Trainings of each configuration: --seed, and those after it."})
    train_sizes: str = field(
        default=EVERYTHING,
        metadata={"help": "Numbers of training rows for learning curves, with commas between; 'all' is all of them."},
    )
    mode: str = field(
        default="finetune",
        metadata={
            "help": "finetune: train the encoder, by its own recipe where that does, or else the standard one. probe: "
            "leave it as it is and fit the head.",
            "choices": list(MODES),
        },
    )
    shard: str = field(
        default="1/1",
        metadata={"help": "i/n runs every n-th cell from the i-th on; `report` puts the shards together."},
    )
    engine: str = field(
        default="local",
        metadata={
            "help": "local: one cell after the other, here. ray: as many at once as a Ray cluster has room for.",
            "choices": list(ENGINES),
        },
    )
    cpus_per_cell: int = field(
        default=1, metadata={"help": "With --engine ray, the CPUs of a cell, which are its threads."}
    )
    gpus_per_cell: float = field(
        default=0,
        metadata={"help": "With --engine ray, the GPUs of a cell; with 0.5 two cells share one, with 0 it sees none."},
    )

    def __post_init__(self) -> None:
        """Check what can be checked without looking at data or encoders.

        Raises:
            ValueError: A value is not legal.
        """
        if self.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, not {self.seeds}")
        if self.cpus_per_cell < 1:
            raise ValueError(f"--cpus_per_cell must be at least 1, not {self.cpus_per_cell}")
        if self.gpus_per_cell < 0:
            raise ValueError(f"--gpus_per_cell must be at least 0, not {self.gpus_per_cell:g}")
        if self.engine == "local" and (self.cpus_per_cell, self.gpus_per_cell) != (1, 0):
            raise ValueError("--cpus_per_cell and --gpus_per_cell are for --engine ray")
        for name in ("encoders", "poolings"):
            names = self.listed(name)
            if not names or len(set(names)) < len(names):
                raise ValueError(f"--{name} must name at least one, and each once, with commas between")
        self.sizes()
        self.shard_of()

    def listed(self, name: str) -> list[str]:
        """Return the values of an option that has commas between them."""
        return [value.strip() for value in str(getattr(self, name)).split(",") if value.strip()]

    def sizes(self) -> list[int | None]:
        """Return the numbers of training rows, ascending; None is all of them, and always there.

        Raises:
            ValueError: One is no number above 0.
        """
        values = set(self.listed("train_sizes")) - {EVERYTHING}
        if not all(value.isascii() and value.isdigit() and int(value) > 0 for value in values):
            raise ValueError(f"--train_sizes must be whole numbers above 0, or '{EVERYTHING}', not {self.train_sizes}")
        return [*sorted(map(int, values)), None]

    def lasting(self) -> dict[str, Any]:
        """Return the options that a later call for the same comparison must repeat."""
        return {name: value for name, value in asdict(self).items() if name not in OF_ONE_CALL}

    def shard_of(self) -> tuple[int, int]:
        """Return which shard of how many, counted from 1.

        Raises:
            ValueError: It is not i/n with i from 1 to n.
        """
        which, _, count = self.shard.partition("/")
        if not (which.isdigit() and count.isdigit() and 1 <= int(which) <= int(count)):
            raise ValueError(f"--shard must be i/n with i from 1 to n, not {self.shard}")
        return int(which), int(count)


# What the grid itself sets in each cell, and what to say instead.
OF_THE_GRID = {
    "encoder": "--encoders",
    "pooling": "--poolings",
    "fold": "--folds alone",
    "max_train_samples": "--train_sizes",
    "push_to_hub": "bbc-classifier push when the comparison is finished",
    "resume_from_checkpoint": "nothing: a comparison always goes on where it stopped",
}


def refuse_grid_options(given: dict[str, Any]) -> None:
    """Check that no option of `train` is given that the grid sets in each cell.

    Raises:
        InputError: One is.
    """
    for name, instead in OF_THE_GRID.items():
        if name in given:
            raise InputError(f"--{name}: the grid sets this for each cell; use {instead}")
