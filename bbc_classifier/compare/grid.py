"""The runs of a comparison, and the options of `train` for each of them: a run trained alone is the same run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from bbc_classifier.config import OF_THE_GRID, CompareArguments, DataArguments, ModelArguments, TrainArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.model import POOLINGS, legal_poolings, locate_encoder

OFFLINE_HINT = "without the Hub, `--encoders minilm --mode linear_probe` compares poolings in minutes"
LINEAR_PROBE_RECIPE = "quick"
PROBE_OPTIONS = {"head_init": "linear_probe", "num_train_epochs": 0.0, "max_steps": -1}  # of --mode linear_probe


@dataclass(frozen=True)
class RunSpec:
    """One run of the grid: a configuration with a seed, or a baseline, which has no seed, encoder and pooling."""

    config: str
    seed: int | None
    fold: int | None  # None: the fixed split
    train_size: int | None  # None: all training rows
    encoder: str | None = None  # as the user named it
    pooling: str | None = None

    @property
    def name(self) -> str:
        """Name of the run's directory."""
        parts = (("seed", self.seed), ("fold", self.fold), ("rows", self.train_size))
        return "-".join([self.config, *(f"{name}{value}" for name, value in parts if value is not None)])


class Grid:
    """All runs of a comparison."""

    def __init__(self, args: CompareArguments, given: Mapping[str, Any]):
        """Validate the options, of which `given` are those of `train` that the user set, and list the runs."""
        self.args, self.given = args, given
        self.not_applicable: dict[str, str] = {}  # reason by the name of an unsupported encoder and pooling
        self.unavailable: dict[str, str] = {}  # reason by encoder that cannot be loaded; its runs are not tried
        for name in OF_THE_GRID | (PROBE_OPTIONS.keys() if args.mode == "linear_probe" else set()):
            if self.given.get(name) is not None and self.given[name] is not False:
                raise UserError(f"--{name}: compare sets this; see its --encoders, --poolings, --mode and --folds")
        for pooling in args.poolings:
            if pooling not in POOLINGS:
                raise UserError(f"--poolings: '{pooling}' is not one of {', '.join(POOLINGS)}")
        try:
            located = {encoder: locate_encoder(encoder) for encoder in args.encoders}
        except ValueError as error:
            raise UserError(f"--encoders: {error}") from error
        names = {encoder: location.name for encoder, location in located.items()}
        if len(set(names.values())) < len(names):
            raise UserError("--encoders: two encoders have the same name, and so would their runs")
        for encoder, location in located.items():
            try:
                config = AutoConfig.from_pretrained(location.path, trust_remote_code=False)
            except (OSError, ValueError) as error:
                self.unavailable[encoder] = f"cannot be loaded ({' '.join(str(error).split())}); {OFFLINE_HINT}"
                continue
            supported = legal_poolings(config.get_text_config().model_type)
            for pooling in args.poolings:
                if pooling not in supported:
                    self.not_applicable[f"{location.name}-{pooling}"] = f"{encoder} supports {', '.join(supported)}"
        if len(self.unavailable) == len(names):
            raise EnvironmentFailure(f"--encoders: {', '.join(names)} {next(iter(self.unavailable.values()))}")
        first_seed = self.given.get("seed", TrainArguments.seed)
        folds = range(self.given["folds"]) if self.given.get("folds") else [None]
        limit = self.given.get("max_train_samples")
        sizes = {limit if size == "all" else min(int(size), limit or int(size)) for size in args.train_sizes}
        splits = list(product(folds, sorted(sizes, key=lambda size: -(size or math.inf))))
        self.runs = [
            RunSpec(f"{names[encoder]}-{pooling}", seed, fold, size, encoder, pooling)
            for seed in range(first_seed, first_seed + args.seeds)
            for fold, size in splits
            for encoder, pooling in product(names, args.poolings)
            if f"{names[encoder]}-{pooling}" not in self.not_applicable
        ]
        self.runs += [RunSpec(name, None, fold, size) for fold, size in splits for name in BASELINES]

    def arguments(self, run: RunSpec, runs_dir: Path) -> tuple[ModelArguments, DataArguments, TrainArguments]:
        """Return the arguments of `train` for a run; a baseline uses those of the data only."""
        options = {**self.given, "fold": run.fold, "max_train_samples": run.train_size}
        options |= {"output_dir": str(runs_dir / run.name), "overwrite": False, "resume_from_checkpoint": "last"}
        if run.encoder is not None:
            options |= {"encoder": run.encoder, "pooling": run.pooling, "seed": run.seed}
        if run.train_size is not None:
            # A head that is also fitted on validation would see more rows than the learning curve states.
            options["refit_on_validation"] = False
        if self.args.mode == "linear_probe":
            options.setdefault("recipe", LINEAR_PROBE_RECIPE)
            options |= PROBE_OPTIONS
        model, data, training = (
            {entry.name: options[entry.name] for entry in fields(group) if entry.name in options}
            for group in (ModelArguments, DataArguments, TrainArguments)
        )
        return ModelArguments(**model), DataArguments(**data), TrainArguments(**training)
