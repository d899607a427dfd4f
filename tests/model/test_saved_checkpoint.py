"""A saved checkpoint: complete, safe, about no machine, and loadable with or without this package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import bbc_classifier.model
from bbc_classifier.model import PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.model.make_remote_code_checkpoint import make_checkpoint

HERE = Path(__file__).parent
CODE = {file.name for file in Path(bbc_classifier.model.__file__).parent.glob("*.py")} - {"__init__.py"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> tuple[Path, Path]:
    """A checkpoint's folder, and the file with its answers."""
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def run_check(program: str, *arguments: str) -> str:
    """Run a program in a process of its own; return its last line. It must print no warning."""
    done = subprocess.run(
        [sys.executable, str(HERE / program), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.strip() == ""
    return done.stdout.strip().splitlines()[-1]


def test_the_configuration_says_which_classes_load_it(checkpoint):
    saved = json.loads((checkpoint[0] / "config.json").read_text())
    assert saved["auto_map"] == {
        "AutoConfig": "configuration_pooled_encoder.PooledEncoderConfig",
        "AutoModelForSequenceClassification": "modeling_pooled_encoder.PooledEncoderForSequenceClassification",
    }
    assert saved["architectures"] == ["PooledEncoderForSequenceClassification"]


def test_every_file_of_code_is_there_unchanged_and_no_pickle_is(checkpoint):
    names = {file.name for file in checkpoint[0].iterdir()}
    assert {name for name in names if name.endswith(".py")} == CODE
    source = Path(bbc_classifier.model.__file__).parent
    assert all((checkpoint[0] / name).read_text() == (source / name).read_text() for name in CODE)
    assert names - CODE == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_no_file_of_a_checkpoint_started_from_a_folder_names_a_path(tiny_bert_folder, tmp_path):
    model = PooledEncoderForSequenceClassification.from_encoder(str(tiny_bert_folder), labels=LABELS)
    model.save_pretrained(tmp_path / "first")
    PooledEncoderForSequenceClassification.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "second")
    for file in tmp_path.rglob("*.*"):
        content = file.read_bytes()
        for path in (tiny_bert_folder, tmp_path, Path.home(), HERE.parents[1]):
            assert str(path).encode() not in content, file.name


def test_a_checkpoint_loads_by_its_own_code_alone_and_saves_itself_whole(checkpoint):
    assert run_check("remote_code_check.py", *map(str, checkpoint)).endswith("equal")


@pytest.mark.parametrize("first", ["bbc_classifier", "transformers"])
def test_with_the_package_no_remote_code_is_needed_whichever_is_imported_first(checkpoint, first):
    assert run_check("registration_check.py", first, *map(str, checkpoint)) == "equal"


def test_loading_restores_the_answers(checkpoint):
    folder, expected_file = checkpoint
    expected = json.loads(expected_file.read_text())
    model = PooledEncoderForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        logits = model(**{name: torch.tensor(values) for name, values in expected["inputs"].items()}).logits
    assert torch.equal(logits, torch.tensor(expected["logits"]))
