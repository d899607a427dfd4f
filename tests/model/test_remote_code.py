"""A saved checkpoint is complete: it loads in a process that has torch and transformers only."""

import json
import subprocess
import sys
from pathlib import Path

import bbc_classifier.model
from tests.model import remote_code

CODE = {"configuration_pooled_encoder.py", "modeling_pooled_encoder.py"}


def test_a_checkpoint_holds_two_files_of_code_and_no_pickle_and_answers_alike_by_its_own_code(tmp_path):
    checkpoint = remote_code.make(tmp_path)
    names = {file.name for file in checkpoint.iterdir()}
    assert names == CODE | {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    source = Path(bbc_classifier.model.__file__).parent
    assert all((checkpoint / name).read_text() == (source / name).read_text() for name in CODE)
    assert json.loads((checkpoint / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_pooled_encoder.PooledEncoderConfig",
        "AutoModelForSequenceClassification": "modeling_pooled_encoder.PooledEncoderForSequenceClassification",
    }
    command = [sys.executable, "-m", "tests.model.remote_code", "check", str(tmp_path)]
    options = {"cwd": Path(__file__).parents[2], "capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, **options)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
