"""A stranger's way: from the id in a card to answers, without the package, and with it without any remote code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.records import read_json
from tests.hub_server import TOKEN, HubServer
from tests.hub_server.faults import BitFlipped, Status, Truncated

# The three lines of the card, where the package cannot be imported.
WITHOUT_PACKAGE = """
import json, sys
sys.modules["bbc_classifier"] = None
from transformers import pipeline
classifier = pipeline("text-classification", model="{repo_id}", trust_remote_code=True)
rows = classifier(json.loads(sys.argv[1]), top_k=None)
print(json.dumps([{{row["label"]: row["score"] for row in rows}} for rows in rows]))
print(type(classifier.model).__module__)
"""
WITH_PACKAGE = WITHOUT_PACKAGE.replace('sys.modules["bbc_classifier"] = None', "import bbc_classifier").replace(
    ", trust_remote_code=True", ""
)


def answers(script: str, hub: HubServer, home: Path, repo_id: str, texts: list[str], **more: str):
    """Return the probabilities that a new process gets, and the module its model is from."""
    command = [sys.executable, "-c", script.format(repo_id=repo_id), json.dumps(texts)]
    environment = {**hub.environment(home, **more), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    probabilities, module = done.stdout.splitlines()[-2:]
    return json.loads(probabilities), module


@pytest.fixture
def published(push, repo_id) -> str:
    assert push("--repo_id", repo_id, "--private").code == 0
    return repo_id


@pytest.mark.parametrize("script", [WITHOUT_PACKAGE, WITH_PACKAGE], ids=["without the package", "with the package"])
def test_a_pipeline_by_the_id_gives_the_recorded_answers(published, hub, run, tmp_path, script):
    examples = read_json(run / "record.json")["examples"]
    texts = [row["text"] for row in examples]
    found, module = answers(script, hub, tmp_path / "home", published, texts, HF_TOKEN=TOKEN)
    assert module.startswith("bbc_classifier." if script == WITH_PACKAGE else "transformers_modules.")
    for row, expected in zip(found, examples, strict=True):
        assert row == pytest.approx(expected["probabilities"], abs=2e-6)
    # And offline from the cache afterwards, where the Hub could not even be asked.
    before = len(hub.requests)
    again, _ = answers(script, hub, tmp_path / "home", published, texts, HF_HUB_OFFLINE="1")
    assert again == found and len(hub.requests) == before


def test_predict_and_evaluate_take_an_id_and_a_revision(published, push, commands, topics, run, tmp_path):
    assert push("--repo_id", published, "--revision", "v2").code == 0
    text = "the shares fell"
    flags = ["predict", "--model", published, "--format", "json", text]
    expected = NewsClassifier.from_pretrained(str(run)).predict([text])[0]
    for more in ([], ["--revision", "v2"]):
        done = commands(*flags, *more)
        assert done.code == 0, done.err
        # That process may use another number of threads.
        assert json.loads(done.out)["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    flags = ["evaluate", "--model", published, "--dataset", topics, "--output_dir", tmp_path / "evaluation"]
    done = commands(*flags)
    assert done.code == 0 and "n = 100" in done.out
    refused = commands("predict", "--model", published, "--revision", "nowhere", text)
    assert refused.code == 2


def test_a_private_classifier_is_nobodys_without_a_token(published, hub, commands, tmp_path):
    with_other_cache = hub.environment(tmp_path / "home")
    from tests.hub.commands import Commands

    with Commands(with_other_cache) as stranger:
        for token in (None, "hf_wrong"):
            refused = stranger("predict", "--model", published, "a text", token=token)
            assert refused.code == 2 and "needs a token that may read it" in refused.error


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (BitFlipped("GET .*/resolve/.*model.safetensors"), 2, "describes .* damaged or belongs to another run"),
        (BitFlipped("GET .*/resolve/.*tokenizer.json"), 2, "tokenizer.json is .* describes .* damaged or belongs to"),
        (Truncated("GET .*/resolve/.*model.safetensors"), 2, "cannot be loaded"),
        (Status("GET .*/resolve/.*model.safetensors", None, status=500), 1, "the Hub stopped answering"),
    ],
    ids=["a bit of the weights is another", "a bit of the tokenizer is another", "cut short", "the Hub is in trouble"],
)
def test_a_damaged_download_is_refused(published, hub, tmp_path, fault, code, message):
    import re

    from tests.hub.commands import Commands

    hub.faults.add(fault)
    with Commands(hub.environment(tmp_path / "home")) as stranger:
        refused = stranger("predict", "--model", published, "a text")
        assert fault.struck >= 1
        assert refused.code == code and re.search(message, refused.error), refused.error
