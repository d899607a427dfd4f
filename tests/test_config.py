"""Options: the same checks from Python, flags and YAML; recipes; help without torch."""

import dataclasses
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainingArguments

from bbc_classifier import config
from bbc_classifier.cli import COMMANDS, OptionParser, main
from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments, resolve_recipe
from bbc_classifier.errors import UserError
from bbc_classifier.model import POOLINGS
from tests.tiny import run_python


def parse(command: str, *argv: str):
    return OptionParser(command, COMMANDS[command]).parse(argv)


ILLEGAL = {
    ModelArguments: [{"recipe": "nonsense"}, {"class_weights": "Balanced"}, {"classifier_dropout": 1.0}],
    DataArguments: [{"max_length": 2}, {"validation_fraction": 0}, {"truncation": "middle"}, {"folds": 1}],
    TrainArguments: [{"learning_rate": 0}, {"learning_rate": "fast"}, {"seed": 2**32}, {"precision": "fp8"}],
    config.PredictArguments: [{"top_k": 0}, {"min_confidence": 1.5}, {"cpus_per_worker": 2}],
    config.CompareArguments: [{"shard": "3/2"}, {"train_sizes": ["many"]}, {"encoders": ["minilm", "minilm"]}],
    config.PushArguments: [{}, {"repo_id": "a/b", "namespace": "a"}],
}


@pytest.mark.parametrize(("group", "values"), [(group, each) for group, values in ILLEGAL.items() for each in values])
def test_an_illegal_value_is_refused_from_python_and_names_its_flag(group: type, values: dict) -> None:
    with pytest.raises(UserError) as error:
        group(**values)
    for name in values or ["repo_id"]:
        assert f"--{name}" in str(error.value)


@given(st.sampled_from(["learning_rate", "num_train_epochs", "seed", "warmup_steps"]), st.text(max_size=20))
def test_any_text_for_a_number_is_one_sentence(name: str, text: str) -> None:
    try:
        parse("train", f"--{name}={text}")
    except UserError as error:
        assert name in str(error)


def test_flags_yaml_and_python_agree_and_bad_yaml_is_refused(tmp_path) -> None:
    file = tmp_path / "options.yaml"
    file.write_text("learning_rate: 1e-4\nlabel_map: [0=business, 1=sport]\nuse_cpu: true\nadam_beta2: 0.98\n")
    from_file = parse("train", "--config", str(file))
    flags = "--learning-rate 1e-4 --label_map 0=business 1=sport --use_cpu --adam_beta2 0.98"
    training = TrainArguments(learning_rate=1e-4, use_cpu=True, trainer_kwargs={"adam_beta2": 0.98})
    from_python = (ModelArguments(), DataArguments(label_map=["0=business", "1=sport"]), training)
    assert from_file.groups == parse("train", *flags.split()).groups == from_python
    assert parse("train", "--config", str(file), "--learning_rate", "3e-5").groups[2].learning_rate == 3e-5
    for content in ("- a list", "unknown_option: 1", "seed: [", "!!python/object:os.system {}"):
        file.write_text(content)
        with pytest.raises(UserError, match="--config"):
            parse("train", "--config", str(file))


MISTAKES = [
    ("trian", "train"),
    ("train --learning_rte 1", "--learning_rate"),
    ("train --seed one", "--seed"),
    ("train --config absent.yaml", "--config"),
    ("train --overwrite maybe", "--overwrite"),
    ("predict --input a.csv", "--output_file"),
    ("predict --output_file a.csv", "--input"),
    ("predict text --input a.csv", "--input"),
]


@pytest.mark.parametrize(("command", "expected"), MISTAKES)
def test_a_mistake_on_the_command_line_exits_2_and_names_the_remedy(command, expected, capsys) -> None:
    assert main(command.split()) == 2
    message = capsys.readouterr().err
    assert expected in message and message.count("\n") == 1


@pytest.mark.parametrize("name", config.RECIPE_NAMES)
def test_every_recipe_applies_from_python_and_leaves_what_the_user_set(name: str) -> None:
    model, data, training = resolve_recipe(ModelArguments(recipe=name), DataArguments(max_length=33), TrainArguments())
    recipe = config.read_yaml(config.RECIPES / f"{name}.yaml", "--recipe")
    assert (data.max_length, model.recipe) == (33, name)
    assert training.num_train_epochs == recipe["num_train_epochs"]
    values = {**dataclasses.asdict(model), **dataclasses.asdict(data), **dataclasses.asdict(training)}
    assert set(recipe) <= set(values)
    assert all(values[option] is not None for option in config.read_yaml(config.RECIPES / "standard.yaml", "--recipe"))


def test_every_field_of_the_library_is_a_flag_and_every_pooling_is_in_the_help() -> None:
    fields = {entry.name for entry in dataclasses.fields(TrainingArguments) if entry.init}
    assert set(config.trainer_options()) >= fields
    flags = "--logging_first_step no --tf32 --logging_strategy no --adam_beta2 .98".split()
    given = {"logging_first_step": False, "tf32": True, "logging_strategy": "no", "adam_beta2": 0.98}
    assert parse("train", *flags).groups[2].trainer_kwargs == given
    assert set(config.POOLING_NAMES) <= set(POOLINGS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_each_option_once_and_imports_no_torch(command: str) -> None:
    code = (
        "import sys; from bbc_classifier.cli import main; main([sys.argv[1], sys.argv[2]]);"
        "assert not {'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules), 'heavy import'"
    )
    for flag in ("--help", "--help-all"):
        lines = run_python("-c", code, command, flag).stdout.splitlines()
        names = [line.split()[0] for line in lines if line.startswith("  --")]
        assert names and len(names) == len(set(names)) and (len(lines) <= 80 or flag == "--help-all")  # two screens


def test_the_command_of_a_record_gives_its_options_again():
    training = TrainArguments(seed=43, learning_rate=1e-05, trainer_kwargs={"optim": "adafactor"})
    groups = ModelArguments(pooling="cls"), DataArguments(dataset="my news", label_map=["0=a", "1=b"]), training
    options = config.hyperparameters(*groups)
    assert DataArguments(text_column="body").text_column == ["body"]  # type: ignore[arg-type]
    program, command, *argv = shlex.split(config.train_command(options, "x"))
    assert (program, command) == ("bbc-classifier", "train")
    assert config.hyperparameters(*parse("train", *argv).groups[:3]) == options
