"""Nothing of a checkpoint, a configuration or a data set is executed, by any command."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoTokenizer

from bbc_classifier.cli import main
from bbc_classifier.errors import InputError
from bbc_classifier.training.checkpoints import Checkpoints, seal
from tests.data.stories import stories, write_csv
from tests.refusals import assert_refused
from tests.security.poison import poison, write_pickle
from tests.tiny import save_tiny_encoder
from tests.training.conftest import interrupt_at, run_training, synthetic_news  # noqa: F401 (fixtures)

TRAIN = ["train", "--encoder", "encoder", "--dataset", "rows.csv", "--max_length", "16", "--max_steps", "1"]
TRAIN += ["--use_cpu", "true", "--disable_tqdm", "true"]


@pytest.fixture
def mark(tmp_path) -> Path:
    """What must never be there."""
    return tmp_path / "executed"


@pytest.fixture
def place(tiny_classifier_folder, mark, tmp_path, monkeypatch) -> Path:
    """A working folder with a poisoned classifier, a poisoned encoder, and rows."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    shutil.copytree(tiny_classifier_folder, place / "classifier")
    save_tiny_encoder(place / "encoder")
    for folder in ("classifier", "encoder"):
        poison(place / folder, mark)
    write_csv(place / "rows.csv", stories("business", "sport", each=9))
    return place


def test_the_poison_works(place, mark):
    torch.load(place / "classifier" / "optimizer.pt", weights_only=False)
    assert mark.exists()
    file = place / "classifier" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "evil"}))
    for name in (AutoConfig, AutoTokenizer):
        mark.unlink()
        # The library runs code once that it has seen before.
        with (place / "classifier" / "evil.py").open("a") as code:
            code.write(f"# {name.__name__}\n")
        with pytest.raises(AttributeError):
            name.from_pretrained(place / "classifier", trust_remote_code=True)
        assert mark.exists()


COMMANDS = {
    "predict": ["predict", "--model", "classifier", "a goal"],
    "evaluate": ["evaluate", "--model", "classifier", "--dataset", "rows.csv", "--output_dir", "out"],
    "export": ["export", "classifier", "--format", "onnx", "--output_dir", "out"],
    "train": [*TRAIN, "--output_dir", "out"],
    "audit": ["audit", "--dataset", "rows.csv", "--encoder", "encoder", "--output_dir", "out"],
}


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=pytest.mark.slow if name == "export" else ()) for name in COMMANDS]
)
def test_code_and_pickles_beside_the_weights_are_left_alone(command, place, mark, capsys):
    assert main(COMMANDS[command]) == 0, capsys.readouterr().err
    assert not mark.exists()


def test_a_comparison_runs_nothing_of_an_encoder(place, mark, capsys):
    # Its cells are trainings as above; this is what it reads of an encoder beforehand.
    from bbc_classifier.comparison.grid import Grid
    from bbc_classifier.comparison.options import CompareArguments

    assert Grid(CompareArguments(encoders="encoder", poolings="mean"), {}).applicable()
    assert not mark.exists()


@pytest.mark.parametrize("command", ["predict", "evaluate", "export"])
def test_a_pickle_in_place_of_the_weights_is_refused(command, place, mark, capsys):
    (place / "classifier" / "model.safetensors").unlink()
    assert_refused(COMMANDS[command], "--model: 'classifier' cannot be loaded: .*model.safetensors", capsys)
    assert not mark.exists()


def test_an_encoders_pickle_is_opened_for_tensors_alone(place, mark, capsys):
    (place / "encoder" / "model.safetensors").unlink()
    assert_refused(COMMANDS["train"], "--encoder encoder cannot be loaded: ", capsys)
    assert not mark.exists()


@pytest.mark.parametrize(("folder", "command"), [("classifier", "predict"), ("encoder", "train")])
def test_a_type_of_model_that_needs_its_own_code_is_refused_without_asking(folder, command, place, mark, capsys):
    file = place / folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "evil"}))
    assert_refused(COMMANDS[command], "(of type 'evil', not a|of a type that is not part of transformers)", capsys)
    assert not mark.exists()


def test_yaml_makes_no_objects(place, mark, capsys):
    evil = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{mark}']]"
    Path("evil.yaml").write_text(f"seed: {evil}\n")
    assert_refused(["audit", "--config", "evil.yaml"], "--config: 'evil.yaml' is not YAML .*python/object", capsys)
    labels = ["audit", "--dataset", "rows.csv", "--label_map", "evil.yaml"]
    assert_refused(labels, "--label_map: every label needs a new name that is text", capsys)
    assert not mark.exists()


def test_yaml_unfolds_nothing(place, capsys):
    lines = [f"l{number}: &l{number} [{', '.join([f'*l{number - 1}'] * 9)}]" for number in range(1, 10)]
    Path("evil.yaml").write_text("\n".join(["l0: &l0 lol", *lines, "text_column: *l9"]))
    for name, flags in {"--config": [], "--label_map": ["--dataset", "rows.csv"]}.items():
        assert_refused(["audit", *flags, name, "evil.yaml"], r"the alias '\*l0'; write the value out", capsys)


@pytest.mark.slow
def test_a_pickle_in_a_resume_state_is_refused_even_where_its_seal_is_forged(
    run_training,  # noqa: F811
    mark,
    tmp_path,
    monkeypatch,
):
    steps = {"save_strategy": "steps", "save_steps": 1, "eval_strategy": "steps", "eval_steps": 1, "max_steps": 3}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 2)
        run_training("stopped", **steps)
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        shutil.copytree(tmp_path / "stopped", tmp_path / "run", dirs_exist_ok=True)
        newest = Checkpoints(tmp_path / "run" / "checkpoints").all()[-1]
        assert (newest / name).is_file()
        write_pickle(newest / name, mark)
        seal(newest)
        with pytest.raises(InputError, match="holds more than tensors and numbers, and was not opened"):
            run_training("run", **steps, resume_from_checkpoint="last")
        assert not mark.exists()
    # Its arguments are written as a pickle by the library, and never read.
    shutil.rmtree(tmp_path / "run")
    shutil.copytree(tmp_path / "stopped", tmp_path / "run")
    newest = Checkpoints(tmp_path / "run" / "checkpoints").all()[-1]
    write_pickle(newest / "training_args.bin", mark)
    seal(newest)
    assert run_training("run", **steps, resume_from_checkpoint="last").is_finished
    assert not mark.exists()
