"""Texts in, labels and probabilities out: batching, order, input types, loading and errors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from transformers import pipeline

from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.inference.classifier import (
    TextClassifier,
    encode,
    load_tokenizer,
    predict_labels,
    predict_logits,
    sigmoid,
    softmax,
    tokenize,
)
from tests.tiny import save_tiny_encoder

LONG = "shares fell in the market " * 30
TEXTS = ["goal of the match", LONG, "", "film", "naïve café 🏆", "a b", LONG + "team"]


@pytest.fixture
def classifier(tiny_classifier, tokenizer) -> TextClassifier:
    return TextClassifier(tiny_classifier(max_input_tokens=16), tokenizer)


def test_softmax_and_sigmoid():
    np.testing.assert_allclose(softmax(np.array([[0.0, np.log(3)], [1e4, 0.0]])), [[0.25, 0.75], [1, 0]])
    np.testing.assert_allclose(sigmoid(np.array([[0.0, -1e4, np.log(3)]])), [[0.5, 0, 0.75]])


def test_predict_labels():
    probabilities = np.array([[0.2, 0.5, 0.5], [0.9, 0.1, 0.3]])
    assert predict_labels(probabilities).tolist() == [1, 0]
    assert predict_labels(probabilities, [0.2, 0.6, 0.4]).tolist() == [[True, False, True], [True, False, False]]


@pytest.mark.parametrize("options", [{}, {"distinct_tokens": True}, {"truncation": "tail"}], ids=str)
def test_batch_size_and_order_change_no_result(tiny_classifier, tokenizer, options):
    model = tiny_classifier(max_input_tokens=16, **options)
    input_ids, _ = tokenize(tokenizer, TEXTS, model.config)
    alone = [encode(model, [ids], 0) for ids in input_ids]
    for batch_size in (1, 2, 128):
        together = encode(model, input_ids[::-1], 0, batch_size=batch_size)
        for part in ("embeddings", "logits"):
            expected = np.concatenate([getattr(output, part) for output in alone])
            assert getattr(together, part).dtype == np.float64
            np.testing.assert_allclose(getattr(together, part), expected[::-1], atol=1e-5)


def test_embeddings_are_the_input_of_the_head(tiny_classifier):
    model = tiny_classifier()
    output = encode(model, [[2, 9, 3], [2, 3]], 0)
    head = model.classifier
    expected = output.embeddings @ head.weight.detach().double().numpy().T + head.bias.detach().double().numpy()
    np.testing.assert_allclose(output.logits, expected, atol=1e-6)
    assert not head._forward_pre_hooks


def test_no_rows(tiny_classifier):
    output = encode(tiny_classifier(), [], 0)
    assert output.embeddings.shape == (0, 24) and output.logits.shape == (0, 5)


def test_low_precision_is_close(tiny_classifier):
    model = tiny_classifier()
    full, half = (predict_logits(model, [[2, 9, 7, 3]], 0, precision=name) for name in ("fp32", "bf16"))
    assert 0 < np.abs(full - half).max() < 0.02


def test_dropout_is_off(tiny_classifier):
    model = tiny_classifier(classifier_dropout=0.5).train()
    assert (predict_logits(model, [[2, 9, 3]], 0) == predict_logits(model, [[2, 9, 3]], 0)).all()


def test_nan_outputs_are_an_error(tiny_classifier):
    model = tiny_classifier()
    with torch.no_grad():
        model.classifier.bias[1] = float("nan")
    with pytest.raises(UserError, match="2 of 2 texts are NaN"):
        predict_logits(model, [[2, 9, 3], [2, 3]], 0)


def test_truncated_texts_are_counted_as_the_model_cuts_them(tiny_classifier, tokenizer):
    text = "goal " * 40
    plain, distinct = (tiny_classifier(max_input_tokens=16, distinct_tokens=value).config for value in (False, True))
    ids, truncated = tokenize(tokenizer, [text, "goal"], plain)
    assert len(ids[0]) == 16 and truncated == [True, False]
    ids, truncated = tokenize(tokenizer, [text, "goal"], distinct)
    assert len(ids[0]) == 3 and truncated == [False, False]


@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
@pytest.mark.parametrize("max_input_tokens", [16, None])
def test_predictions_are_those_of_pipeline(tiny_classifier, tokenizer, truncation, max_input_tokens):
    model = tiny_classifier(max_input_tokens=max_input_tokens, truncation=truncation)
    expected = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")(TEXTS)
    for prediction, scores in zip(TextClassifier(model, tokenizer).predict(TEXTS), expected, strict=True):
        assert prediction.label == scores[0]["label"]
        assert prediction.probabilities == pytest.approx({s["label"]: s["score"] for s in scores}, abs=1e-6)


def test_prediction(classifier):
    prediction = classifier.predict(["film"])[0]
    shares = list(prediction.probabilities.values())
    assert prediction.labels == [prediction.label] == list(prediction.probabilities)[:1]
    assert prediction.confidence == shares[0] and shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1) and set(prediction.probabilities) == set(classifier.label_names)
    assert [entry.truncated for entry in classifier.predict(["film", LONG, ""])] == [False, True, False]
    assert (
        list(classifier.predict(["film"], top_k=2)[0].probabilities.items())
        == list(prediction.probabilities.items())[:2]
    )


def test_below_min_confidence_the_label_is_none(classifier):
    prediction = classifier.predict(["film"])[0]
    unsure = classifier.predict(["film"], min_confidence=1.0)[0]
    assert (unsure.label, unsure.labels, unsure.confidence) == (None, [], prediction.confidence)
    assert classifier.predict(["film"], min_confidence=prediction.confidence)[0].label == prediction.label


def test_multi_label(tiny_classifier, tokenizer):
    options = {"problem_type": "multi_label_classification", "label_thresholds": [0.01, 0.01, 0.99, 0.99, 0.99]}
    classifier = TextClassifier(tiny_classifier(**options), tokenizer)
    prediction = classifier.predict(["film"])[0]
    assert sorted(prediction.labels) == ["business", "entertainment"] and prediction.label == prediction.labels[0]
    classifier.config.label_thresholds = [0.99] * 5
    prediction = classifier.predict(["film"])[0]
    assert (prediction.label, prediction.labels) == (None, [])
    classifier.config.label_thresholds = None
    assert classifier.thresholds == [0.5] * 5


TYPES = [tuple, np.array, pd.Series, lambda texts: Dataset.from_dict({"text": texts})["text"], iter]


@pytest.mark.parametrize("make", TYPES, ids=["tuple", "array", "Series", "Dataset column", "iterator"])
def test_any_sequence_of_str(classifier, make):
    assert classifier.predict(make(TEXTS)) == classifier.predict(TEXTS)
    np.testing.assert_array_equal(classifier.predict_proba(make(TEXTS)), classifier.probabilities(TEXTS)[0])


@pytest.mark.parametrize(
    "texts", [[], (), pd.Series([], dtype=str), np.array([])], ids=["list", "tuple", "Series", "array"]
)
def test_no_texts(classifier, texts):
    assert classifier.predict(texts) == [] and classifier.predict_proba(texts).shape == (0, 5)


@pytest.mark.parametrize(
    ("texts", "options", "named"),
    [
        ("film", {}, r"\[text\]"),
        (["A goal.", None], {}, "text 2 is None"),
        (pd.Series(["A goal.", 3.5], dtype=object), {}, "text 2 is a float"),
        (pd.DataFrame({"text": ["film"]}), {}, "column"),
        (["film"], {"top_k": 0}, "top_k"),
        (["film"], {"min_confidence": 1.5}, "min_confidence"),
        (["film"], {"min_confidence": float("nan")}, "min_confidence"),
    ],
)
def test_invalid_input(classifier, texts, options, named):
    with pytest.raises(UserError, match=named):
        classifier.predict(texts, **options)


@pytest.mark.parametrize("kind", [str, Path])
def test_run_and_model_directory_load_the_same(tiny_model_dir, kind):
    classifier = TextClassifier.from_pretrained(kind(tiny_model_dir))
    assert classifier.label_names == ["business", "sport"] and not classifier.model.training
    assert "business" in repr(classifier)
    run = TextClassifier.from_pretrained(kind(tiny_model_dir.parent))
    np.testing.assert_array_equal(run.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_truncation_and_padding_of_tokenizer_files_have_no_effect(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    content = json.loads(file.read_text())
    content["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    }  # fmt: skip
    file.write_text(json.dumps(content))
    loaded = load_tokenizer(tmp_path)
    assert len(loaded("the goal of the match in the market")["input_ids"]) == 10
    assert len(loaded("goal")["input_ids"]) == 3
    loaded.save_pretrained(tmp_path / "again")
    saved = json.loads((tmp_path / "again" / "tokenizer_config.json").read_text())
    assert not {"max_length", "is_local", "stride"} & saved.keys()


@pytest.mark.parametrize("name", ["runs/nothing", Path("runs/nothing"), "./a/b", "/no/such", "a/b/c", "nothing", "a/"])
def test_no_classifier_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no classifier at"):
        TextClassifier.from_pretrained(name)


def test_unfinished_run(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UserError, match="not finished"):
        TextClassifier.from_pretrained(tmp_path)


def test_hub_without_network():
    with pytest.raises(EnvironmentFailure, match="nobody/nothing' is not on this machine and the Hub"):
        TextClassifier.from_pretrained("nobody/nothing")


def test_invalid_hub_id():
    with pytest.raises(UserError, match="a b/c d"):
        TextClassifier.from_pretrained("a b/c d")


@pytest.mark.parametrize("kept", [None, "tokenizer.json", "tokenizer_config.json"])
def test_checkpoint_without_tokenizer(tiny_model_dir, tmp_path, kept):
    shutil.copytree(tiny_model_dir, tmp_path / "model")
    for name in {"tokenizer.json", "tokenizer_config.json"} - {kept}:
        (tmp_path / "model" / name).unlink()
    with pytest.raises(UserError, match="has no tokenizer with a vocabulary"):
        TextClassifier.from_pretrained(tmp_path)


def test_other_models_and_devices_are_errors(tiny_model_dir, tmp_path):
    with pytest.raises(UserError, match="'bert' model, not a classifier"):
        TextClassifier.from_pretrained(save_tiny_encoder(tmp_path / "encoder"))
    with pytest.raises(UserError, match="--device"):
        TextClassifier.from_pretrained(tiny_model_dir, device="tpu9")


def test_incomplete_weights(tiny_model_dir, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_model_dir, tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    tensors = load_file(weights)
    del tensors["classifier.bias"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lack classifier\.bias"):
        TextClassifier.from_pretrained(tmp_path)
