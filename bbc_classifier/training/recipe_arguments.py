"""A recipe as the arguments that `train` and `cross_validate` take, for callers that have no command line."""

from typing import Any

from bbc_classifier.data.options import DataArguments
from bbc_classifier.training.arguments import ModelArguments
from bbc_classifier.training.recipe import recipe_options


def recipe_arguments(name: str, **overrides: Any) -> tuple[ModelArguments, DataArguments, dict[str, Any]]:
    """Return the options of a recipe, with others on top, by the group they are of.

    Args:
        name: The recipe.
        overrides: Options of any group by name.

    Returns:
        The model's, the data's, and keyword arguments of `ClassifierTrainingArguments`.
    """
    options = {**recipe_options(name), **overrides}
    model, data = (
        {option: options.pop(option) for option in list(options) if option in group.__dataclass_fields__}
        for group in (ModelArguments, DataArguments)
    )
    return ModelArguments(recipe=name, **model), DataArguments(**data), options
