"""The eight reference configurations from end to end, on stand-ins of the exact architectures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.records import read_json
from tests.comparison.conftest import TOPICS
from tests.comparison.stand_ins import write_stand_ins

pytestmark = pytest.mark.slow

ENCODERS = ("bert-base", "distilbert", "tinybert")
# Counted from the architectures: the encoder, its pooler where it is used, and the head of five labels.
PARAMETERS = {
    "bert-base-cls": 108_895_493,
    "bert-base-mean": 108_895_493,
    "bert-base-pooler": 109_486_085,
    "distilbert-cls": 66_366_725,
    "distilbert-mean": 66_366_725,
    "tinybert-cls": 14_254_157,
    "tinybert-mean": 14_254_157,
    "tinybert-pooler": 14_351_813,
}
LOADED = """
import sys, torch
from pathlib import Path
from bbc_classifier.model import PooledEncoderForSequenceClassification as Classifier
from tests.comparison.stand_ins import encoder_tensors
for name in {names!r}:
    for pooling in ("cls", *(() if name == "distilbert" else ("pooler",))):
        options = {{"problem_type": "single_label_classification", "pooling": pooling}}
        model = Classifier.from_encoder(name, labels=["a", "b"], **options)
        expected = encoder_tensors(Path(sys.argv[1]), name)
        loaded = model.encoder.state_dict()
        assert set(loaded) <= set(expected), set(loaded) - set(expected)
        assert ("pooler.dense.weight" in loaded) == (pooling == "pooler")
        assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.items())
        print(name, pooling, len(loaded))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    write_stand_ins(folder)
    return folder


def run(cache: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=root, capture_output=True, text=True, timeout=600
    )


def test_every_encoder_tensor_is_the_checkpoints(cache):
    done = run(cache, "-c", LOADED.format(names=ENCODERS), str(cache))
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line.rpartition(" ")[0] for line in done.stdout.splitlines()] == [
        "bert-base cls",
        "bert-base pooler",
        "distilbert cls",
        "tinybert cls",
        "tinybert pooler",
    ]


def test_the_default_grid_is_the_eight_configurations_and_the_ninth_is_not_applicable(cache, tmp_path):
    rows = [
        {"text": f"the {TOPICS[list(TOPICS)[number % 3]]} {number} " * 4, "label": list(TOPICS)[number % 3]}
        for number in range(64)
    ]
    data = tmp_path / "articles.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    folder = tmp_path / "grid"
    flags = [
        "--dataset",
        str(data),
        "--max_length",
        "32",
        "--max_steps",
        "2",
        "--use_cpu",
        "true",
        "--disable_tqdm",
        "true",
    ]
    flags += ["--save_strategy", "no", "--eval_strategy", "no", "--load_best_model_at_end", "false"]
    done = run(cache, "-m", "bbc_classifier", "compare", "--output_dir", str(folder), *flags)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Not applicable: distilbert-pooler" in done.stdout
    content = read_json(folder / "results.json")
    trained = {row["name"]: row for row in content["configurations"] if not row["baseline"]}
    assert set(trained) == set(PARAMETERS)
    assert list(content["not_applicable"]) == ["distilbert-pooler"]
    # Three labels here in place of five: two rows of weights and two biases fewer.
    width = {"bert-base": 768, "distilbert": 768, "tinybert": 312}
    for name, row in trained.items():
        assert row["cost"]["parameters"] == PARAMETERS[name] - 2 * (width[row["encoder"]] + 1)
        assert row["configuration"]["model"]["recipe"] == row["encoder"]
    assert all("Hub: " in read_json(path)["encoder"]["origin"] for path in folder.glob("runs/*-seed42/record.json"))
