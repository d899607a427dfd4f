"""An exported folder under Node: npm's @huggingface/transformers gives the answers that `predict` gives."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bbc_classifier.export.onnx_folder import export_onnx
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.inference.open_classifier import open_classifier
from tests.export.stock_families import stock_classifier

pytestmark = pytest.mark.slow

PACKAGE = "@huggingface/transformers@4.3.1"
SCRIPT = Path(__file__).with_name("classify.mjs")
DTYPES = {"onnx": "fp32", "onnx-int8": "q8"}
# What a reader of the whole text needs: more than any encoder reads, and all of it different.
LONG = " ".join(f"word{number} of the market and the match" for number in range(300))
TEXTS = [*TRIAL_TEXTS, LONG, f"{LONG} goal team film"]
CLASSIFIERS = {
    "bert": ("bert", "mean", {"distinct_tokens": True, "lexical_head": True, "max_input_tokens": 16}),
    "distilbert": ("distilbert", "cls", {"truncation": "head+tail", "max_input_tokens": 16}),
    "roberta": ("roberta", "pooler", {"truncation": "tail", "max_input_tokens": 16}),
}


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory) -> Path:
    """A folder with the npm package; its native part is in the package, so no install script has to run."""
    assert shutil.which("node") and shutil.which("npm"), "this test needs node (20 or later) and npm on the PATH"
    folder = tmp_path_factory.mktemp("node")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"npm could not install {PACKAGE}: {done.stderr[-1000:]}"
    return folder


def node_answers(node_folder: Path, models: Path, form: str) -> list[dict[str, float]]:
    (node_folder / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    command = ["node", str(SCRIPT), str(models), form, DTYPES[form], "texts.json"]
    done = subprocess.run(command, cwd=node_folder, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-2000:]
    return [{score["label"]: score["score"] for score in answer} for answer in json.loads(done.stdout)]


def assert_same_answers(node_folder: Path, models: Path, form: str) -> None:
    expected = open_classifier(str(models / form)).predict(TEXTS)
    for theirs, ours in zip(node_answers(node_folder, models, form), expected, strict=True):
        assert max(theirs, key=theirs.__getitem__) == ours.label
        assert theirs == pytest.approx(ours.probabilities, abs=1e-3)


@pytest.mark.parametrize("form", DTYPES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_node_gives_the_answers_of_predict(node_folder, tmp_path, tokenizer, name, form):
    family, pooling, options = CLASSIFIERS[name]
    export_onnx(stock_classifier(family, pooling, **options), tokenizer, tmp_path / form, form)
    assert_same_answers(node_folder, tmp_path, form)
