"""A saved checkpoint is complete: it loads in a process that has torch and transformers only."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bbc_classifier.model
from bbc_classifier.model import PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.model import remote_code

CODE = {"configuration_pooled_encoder.py", "modeling_pooled_encoder.py"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return remote_code.make(tmp_path_factory.mktemp("remote"))


def test_a_checkpoint_holds_two_files_of_code_and_no_pickle(checkpoint):
    names = {file.name for file in checkpoint.iterdir()}
    assert names == CODE | {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    source = Path(bbc_classifier.model.__file__).parent
    assert all((checkpoint / name).read_text() == (source / name).read_text() for name in CODE)
    assert json.loads((checkpoint / "config.json").read_text())["auto_map"] == {
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
    command = [sys.executable, "-m", "tests.model.remote_code", "check", str(checkpoint.parent)]
    options = {"cwd": Path(__file__).parents[2], "capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, **options)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
