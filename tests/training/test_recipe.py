"""Recipes are options like any other: known by name, overruled by a flag, and in the record as what they were."""

from dataclasses import asdict

import pytest

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.train import RECIPE
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.model.encoders import NAMED_ENCODERS
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.recipe import OF_ENCODER, recipe_file, recipe_name, recipe_names, recipe_options
from bbc_classifier.training.recipe_arguments import recipe_arguments

GROUPS = (ModelArguments, DataArguments, ClassifierTrainingArguments)


def parsed(*flags: str) -> dict[str, object]:
    groups = command_parser("train", *GROUPS, preset=RECIPE).parse(flags)
    return {name: value for group in groups for name, value in vars(group).items()}


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_holds_known_options_and_says_whether_it_was_measured(name):
    known = {field for group in GROUPS for field in group.__dataclass_fields__}
    assert set(recipe_options(name)) <= known - {"recipe", "encoder", "output_dir"}
    comment = [line for line in recipe_file(name).read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert "measured" in " ".join(comment)


@pytest.mark.parametrize("name", recipe_names())
def test_flags_and_python_mean_the_same_by_a_recipe(name):
    model, data, training = recipe_arguments(name)
    options = parsed("--recipe", name, "--encoder", "minilm")
    for said in (asdict(model), asdict(data), training):
        assert {option: options[option] for option in said if option != "precision"} == {
            option: value for option, value in said.items() if option != "precision"
        }
    assert options["recipe"] == name


def test_every_named_encoder_has_a_recipe_and_any_other_the_standard_one():
    assert set(OF_ENCODER) == set(NAMED_ENCODERS)
    assert {recipe_name(None, encoder) for encoder in NAMED_ENCODERS} <= set(recipe_names())
    assert recipe_name(None, "some/encoder") == "standard"
    assert parsed("--encoder", "distilbert")["recipe"] == "distilbert"
    assert parsed()["recipe"] == "default"


def test_a_flag_and_a_file_overrule_the_recipe_and_may_name_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("recipe: reference\nmax_length: 64\n", encoding="utf-8")
    options = parsed("--config", str(tmp_path / "mine.yaml"), "--num_train_epochs", "7")
    expected = {**recipe_options("reference"), "max_length": 64, "num_train_epochs": 7.0}
    assert {name: options[name] for name in expected} == expected
    assert parsed("--recipe=default", "--frozen_layers=1")["frozen_layers"] == 1


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"--recipe: 'fastest' is not one of accurate, bert-base, .*reference"):
        parsed("--recipe", "fastest")
