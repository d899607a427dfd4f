"""From options to cells: each one training, the very one that `bbc-classifier train` does with the same options."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from transformers import AutoConfig

from bbc_classifier.comparison.finished import DEFAULT_SEED, cell_name
from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.inference.config_bounds import read_bounded_config
from bbc_classifier.model import PooledEncoderError
from bbc_classifier.model.configuration_pooled_encoder import legal_poolings
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.model.pooling import POOLINGS
from bbc_classifier.training.arguments import ModelArguments
from bbc_classifier.training.recipe import OF_ANY_ENCODER, recipe_name, recipe_options
from bbc_classifier.training.recipe_arguments import recipe_arguments

PROBE_RECIPE = "default"


@dataclass(frozen=True)
class Cell:
    """One training of the grid.

    Attributes:
        encoder: As it was named.
        pooling: The pooling.
        seed: The seed.
        fold: Which fold is test, of `folds`; None on the fixed split.
        train_size: How many training rows; None is all.
    """

    encoder: str
    pooling: str
    seed: int
    fold: int | None = None
    train_size: int | None = None

    @property
    def configuration(self) -> str:
        """The name of what is compared: everything but seed, fold and size."""
        return f"{locate_encoder(self.encoder).name}-{self.pooling}"

    @property
    def name(self) -> str:
        """The name of the cell's run folder."""
        return cell_name(f"{self.configuration}-seed{self.seed}", self.fold, self.train_size)


class Grid:
    """All cells of a comparison, and what each is trained by.

    Attributes:
        options: The grid's own options.
        given: Options of `train` that were given, by name; they go on top of every cell's recipe.
    """

    def __init__(self, options: CompareArguments, given: Mapping[str, Any]):
        """Check the names, and look up which poolings each encoder can have.

        Raises:
            InputError: An encoder is no short name, folder or Hub id, two have the same name, or there is no such
                pooling.
        """
        self.options = options
        self.given = dict(given)
        try:
            names = [locate_encoder(encoder).name for encoder in options.listed("encoders")]
        except PooledEncoderError as error:
            raise InputError(f"--encoders: {error}") from error
        if len(set(names)) < len(names):
            raise InputError("--encoders: two encoders have the same name, and so would their runs")
        for pooling in options.listed("poolings"):
            if pooling not in POOLINGS:
                raise InputError(f"--poolings: '{pooling}' is not one of {', '.join(POOLINGS)}")
        self._legal = {encoder: _legal_poolings(encoder) for encoder in options.listed("encoders")}

    def cells(self) -> list[Cell]:
        """Return every cell, fold by fold, so that whole comparisons of few folds are there first."""
        first_seed = int(self.given.get("seed", DEFAULT_SEED))
        folds = self.given.get("folds")
        order = product(
            range(first_seed, first_seed + self.options.seeds),
            [None] if folds is None else range(int(folds)),
            reversed(self.options.sizes()),
            self.options.listed("encoders"),
            self.options.listed("poolings"),
        )
        return [Cell(encoder, pooling, seed, fold, size) for seed, fold, size, encoder, pooling in order]

    def applicable(self) -> list[Cell]:
        """Return the cells whose encoder can have their pooling."""
        impossible = self.not_applicable()
        return [cell for cell in self.cells() if cell.configuration not in impossible]

    def not_applicable(self) -> dict[str, str]:
        """Return why, by the name of each pair of encoder and pooling that cannot be."""
        reasons = {}
        for encoder, pooling in product(self.options.listed("encoders"), self.options.listed("poolings")):
            legal = self._legal[encoder]
            if pooling not in legal:
                reasons[Cell(encoder, pooling, 0).configuration] = f"{encoder} can have {', '.join(legal)}"
        return reasons

    def data(self, fold: int | None, train_size: int | None) -> DataArguments:
        """Return the data of a baseline's cell: those of the trained cells beside it."""
        names = DataArguments.__dataclass_fields__
        given = {name: value for name, value in self.given.items() if name in names}
        return DataArguments(**{**given, "fold": fold, "max_train_samples": train_size})

    def arguments(self, cell: Cell) -> tuple[ModelArguments, DataArguments, dict[str, Any]]:
        """Return what the cell is trained with, as `recipe_arguments` does."""
        own = {"encoder": cell.encoder, "pooling": cell.pooling, "seed": cell.seed, "fold": cell.fold}
        if cell.train_size is not None:
            # A head fitted on validation as well would have seen far more rows than the curve says.
            own |= {"max_train_samples": cell.train_size, "refit_probe": False}
        given = {name: value for name, value in self.given.items() if name != "recipe"}
        return recipe_arguments(self.recipe(cell.encoder), **{**given, **own})

    def recipe(self, encoder: str) -> str:
        """Return the name of the recipe of an encoder's cells: the given one, or the one for the mode."""
        given = self.given.get("recipe")
        if given is None and self.options.mode == "probe":
            return PROBE_RECIPE
        name = recipe_name(given, encoder)
        trains = recipe_options(name).get("num_train_epochs", 1) > 0
        return name if trains or given else OF_ANY_ENCODER


def _legal_poolings(encoder: str) -> list[str]:
    """Return the poolings that an encoder can have: all, where its configuration cannot be read here."""
    try:
        path = locate_encoder(encoder).path
        read_bounded_config(f"--encoders: {encoder}", path)
        return legal_poolings(AutoConfig.from_pretrained(path, trust_remote_code=False).model_type)
    except (OSError, ValueError):
        # Its cells will say why they fail.
        return list(POOLINGS)
