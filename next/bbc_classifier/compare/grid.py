"""The runs of a comparison, and the options each is trained with: those of `train`, so a run alone is the same run."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from bbc_classifier.config import (
    ENCODER_RECIPES,
    RECIPES,
    CompareArguments,
    DataArguments,
    ModelArguments,
    TrainArguments,
    read_yaml,
)
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.model import POOLINGS, legal_poolings, locate_encoder

# Options that the grid sets for each run, and what to use in their place.
GRID_OPTIONS = {
    "encoder": "--encoders",
    "pooling": "--poolings",
    "fold": "--folds alone",
    "push_to_hub": "`bbc-classifier push` after the comparison",
    "resume_from_checkpoint": "nothing: the same command always resumes",
}
OFFLINE_HINT = "without the Hub, `--encoders minilm --mode linear_probe` compares poolings in minutes"
# Trains the encoder of those whose own recipe does not.
FINETUNE_RECIPE = "standard"
LINEAR_PROBE_RECIPE = "default"


@dataclass(frozen=True)
class RunSpec:
    """One run of the grid.

    Attributes:
        config: Name of the configuration: encoder and pooling, or the baseline.
        seed: Seed; None for a baseline.
        fold: Which fold is the test split; None for the fixed split.
        train_size: Limit of training rows; None for all.
        encoder: Encoder as the user named it; None for a baseline.
        pooling: Pooling; None for a baseline.
    """

    config: str
    seed: int | None
    fold: int | None
    train_size: int | None
    encoder: str | None = None
    pooling: str | None = None

    @property
    def name(self) -> str:
        """Name of the run's directory."""
        parts = (("seed", self.seed), ("fold", self.fold), ("rows", self.train_size))
        return "-".join([self.config, *(f"{name}{value}" for name, value in parts if value is not None)])


class Grid:
    """All runs of a comparison.

    Attributes:
        given: Options of `train` that the user set, by name.
        runs: Every supported run, fold by fold, so that whole comparisons of few folds exist first; then baselines.
        not_applicable: Reason by the name of each unsupported combination of encoder and pooling.
        unavailable: Reason by encoder whose configuration cannot be loaded; its runs are not tried.
    """

    def __init__(self, args: CompareArguments, given: Mapping[str, Any], trainer_kwargs: Mapping[str, Any]):
        """Validate the options and list the runs.

        Raises:
            UserError: An option is not valid in a comparison, an encoder or pooling is unknown, or two encoders have
                the same name.
            EnvironmentFailure: No encoder can be loaded.
        """
        self.args, self.given, self.trainer_kwargs = args, dict(given), dict(trainer_kwargs)
        for name, instead in GRID_OPTIONS.items():
            if self.given.get(name):
                raise UserError(f"--{name}: compare sets this for each run; use {instead}")
        if self.given.get("pooling_module"):
            importlib.import_module(self.given["pooling_module"])
        for pooling in args.poolings:
            if pooling not in POOLINGS:
                raise UserError(f"--poolings: '{pooling}' is not one of {', '.join(POOLINGS)}")
        try:
            names = {encoder: locate_encoder(encoder).name for encoder in args.encoders}
        except ValueError as error:
            raise UserError(f"--encoders: {error}") from error
        if len(set(names.values())) < len(names):
            raise UserError("--encoders: two encoders have the same name, and so would their runs")
        self.not_applicable: dict[str, str] = {}
        self.unavailable: dict[str, str] = {}
        for encoder, name in names.items():
            try:
                config = AutoConfig.from_pretrained(locate_encoder(encoder).path)
            except (OSError, ValueError) as error:
                self.unavailable[encoder] = f"cannot be loaded ({' '.join(str(error).split())}); {OFFLINE_HINT}"
                continue
            supported = legal_poolings(config.get_text_config().model_type)
            for pooling in args.poolings:
                if pooling not in supported:
                    self.not_applicable[f"{name}-{pooling}"] = f"{encoder} supports {', '.join(supported)}"
        if len(self.unavailable) == len(names):
            raise EnvironmentFailure(f"--encoders: {', '.join(names)} {next(iter(self.unavailable.values()))}")
        first_seed = self.given.get("seed", TrainArguments.seed)
        folds: list[int | None] = [*range(self.given["folds"])] if self.given.get("folds") else [None]
        limit = self.given.get("max_train_samples")
        sizes = sorted({int(size) for size in args.train_sizes if size != "all"} - {limit})
        if limit and sizes and sizes[-1] > limit:
            raise UserError(f"--train_sizes {sizes[-1]} is more than --max_train_samples {limit}")
        outer = list(product(folds, [limit, *reversed(sizes)]))
        self.runs = [
            RunSpec(f"{names[encoder]}-{pooling}", seed, fold, size, encoder, pooling)
            for seed in range(first_seed, first_seed + args.seeds)
            for fold, size in outer
            for encoder, pooling in product(names, args.poolings)
            if f"{names[encoder]}-{pooling}" not in self.not_applicable
        ]
        self.runs += [RunSpec(name, None, fold, size) for fold, size in outer for name in BASELINES]

    def arguments(self, run: RunSpec, runs_dir: Path) -> tuple[ModelArguments, DataArguments, TrainArguments]:
        """Return the arguments of `train` for a run; a baseline uses those of the data only.

        Raises:
            UserError: The value of an option is not valid.
        """
        options = {**self.given, "fold": run.fold, "max_train_samples": run.train_size}
        options |= {"output_dir": str(runs_dir / run.name), "overwrite": False, "resume_from_checkpoint": "last"}
        if run.encoder is not None:
            options |= {"encoder": run.encoder, "pooling": run.pooling, "seed": run.seed}
        if run.train_size is not None:
            # A head that is also fitted on validation would see more rows than the learning curve states.
            options["refit_on_validation"] = False
        if self.args.mode == "linear_probe":
            probe = {"head_init": "linear_probe", "num_train_epochs": 0.0, "max_steps": -1}
            options |= {**probe, "recipe": self.given.get("recipe", LINEAR_PROBE_RECIPE)}
        elif not self.given.get("recipe"):
            recipe = ENCODER_RECIPES.get(run.encoder or "", FINETUNE_RECIPE)
            trains = read_yaml(RECIPES / f"{recipe}.yaml", "--recipe").get("num_train_epochs", 1) > 0
            options["recipe"] = recipe if trains else FINETUNE_RECIPE
        groups = [
            {entry.name: options[entry.name] for entry in fields(group) if entry.name in options}
            for group in (ModelArguments, DataArguments, TrainArguments)
        ]
        training = TrainArguments(**groups[2], trainer_kwargs=dict(self.trainer_kwargs))
        return ModelArguments(**groups[0]), DataArguments(**groups[1]), training
