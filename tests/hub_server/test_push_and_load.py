"""Round trip: pushed by transformers, loaded by its id in a process without the package, equal to the bit."""

import json
import subprocess
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification

from tests.hub_server import TOKEN, HubServer
from tests.tiny import tiny_tokenizer

TEXT = "the team fell in a match"


def run(hub: HubServer, home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "tests.hub_server.push_and_load", *arguments]
    done = subprocess.run(command, env=hub.environment(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_classifier_comes_back_by_its_id(hub: HubServer, tiny_classifier_folder: str, tmp_path: Path):
    run(hub, tmp_path / "pushing", "push", tiny_classifier_folder, "ann/tiny", TOKEN)
    repository = hub.models["ann/tiny"]
    assert repository.private and {path for path, file in repository.tree().items() if file.lfs} == {
        "model.safetensors"
    }
    answer = json.loads(run(hub, tmp_path / "loading", "load", "ann/tiny", TOKEN, TEXT).splitlines()[-1])
    assert answer["module"].startswith("transformers_modules.")
    model = AutoModelForSequenceClassification.from_pretrained(tiny_classifier_folder)
    with torch.inference_mode():
        logits = model(**tiny_tokenizer()(TEXT, return_tensors="pt")).logits
    assert torch.equal(logits, torch.tensor(answer["logits"]))
