"""Recipes: named sets of options, each a YAML file to read, to copy and to overrule flag by flag."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.yaml_file import read_yaml

RECIPES = Path(__file__).parent / "recipes"
# What an encoder is trained by where nobody says; an encoder without a recipe of its own gets the last one.
OF_ENCODER = {"minilm": "default", "bert-base": "bert-base", "distilbert": "distilbert", "tinybert": "tinybert"}
OF_ANY_ENCODER = "standard"


def recipe_names() -> list[str]:
    """Return the names of the recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def recipe_name(chosen: str | None, encoder: str) -> str:
    """Return the recipe that was asked for, or else the encoder's own.

    Raises:
        InputError: There is no such recipe.
    """
    name = chosen or OF_ENCODER.get(encoder, OF_ANY_ENCODER)
    if name not in recipe_names():
        raise InputError(f"--recipe: '{name}' is not one of {', '.join(recipe_names())}")
    return name


def recipe_file(name: str) -> Path:
    """Return the file of a recipe."""
    return RECIPES / f"{name}.yaml"


def recipe_options(name: str) -> Mapping[str, Any]:
    """Return the options of a recipe by name, as they stand in its file."""
    return read_yaml(recipe_file(name), "--recipe")
