"""A saved checkpoint is complete: it loads in a process that has torch and transformers only."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bbc_classifier.model
from bbc_classifier.model import PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.model.make_remote_code_checkpoint import make_checkpoint

HERE = Path(__file__).parent
CODE = {"configuration_pooled_encoder.py", "modeling_pooled_encoder.py"}
# Importing the package registers the classes, also after transformers.
REGISTERED = """
import sys
import transformers
import bbc_classifier
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1])
assert type(model).__module__ == "bbc_classifier.model.modeling_pooled_encoder"
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> tuple[Path, Path]:
    """A checkpoint's directory, and the file with its answers."""
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def run(*arguments: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False}
    return subprocess.run([sys.executable, *map(str, arguments)], env=environment, **options)


def test_a_checkpoint_holds_two_files_of_code_and_no_pickle(checkpoint):
    names = {file.name for file in checkpoint[0].iterdir()}
    assert names == CODE | {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    source = Path(bbc_classifier.model.__file__).parent
    assert all((checkpoint[0] / name).read_text() == (source / name).read_text() for name in CODE)
    assert json.loads((checkpoint[0] / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_pooled_encoder.PooledEncoderConfig",
        "AutoModelForSequenceClassification": "modeling_pooled_encoder.PooledEncoderForSequenceClassification",
    }


def test_no_file_names_a_path(tiny_bert_dir, tmp_path):
    model = PooledEncoderForSequenceClassification.from_encoder(tiny_bert_dir, labels=LABELS)
    model.save_pretrained(tmp_path / "first")
    PooledEncoderForSequenceClassification.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "second")
    for file in tmp_path.rglob("*.*"):
        content = file.read_bytes()
        assert not [path for path in (tiny_bert_dir, tmp_path, Path.home()) if str(path).encode() in content], file.name


def test_a_checkpoint_answers_alike_by_its_own_code(checkpoint):
    done = run(HERE / "remote_code_check.py", *checkpoint)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("equal")
    assert done.stderr.strip() == ""


@pytest.mark.slow
def test_the_package_loads_its_checkpoints_without_remote_code(checkpoint):
    done = run("-c", REGISTERED, checkpoint[0])
    assert done.returncode == 0, done.stderr
