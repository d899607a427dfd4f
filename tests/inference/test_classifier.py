"""Texts in, labels, probabilities and reasons out: batching, order, input types, loading and errors."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, pipeline

from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.inference import classifier as inference
from bbc_classifier.inference.classifier import Predictor, encode, predict_logits, softmax, tokenize
from bbc_classifier.inference.explain import Explanation, WordScore, explain
from bbc_classifier.model import POOLINGS
from tests.tiny import FAMILIES, save_tiny_encoder, tiny_classifier

LONG = "shares fell in the market " * 30
TYPES = [tuple, np.array, pd.Series, lambda texts: Dataset.from_dict({"text": texts})["text"], iter]
TEXT = "The team scored <twice> in the  final."
TEXTS = ["goal of the match", LONG, "", "film", "naïve café 🏆", "a b", LONG + "team"]


@pytest.fixture
def classifier(tokenizer) -> Predictor:
    return Predictor(tiny_classifier(max_input_tokens=16), tokenizer)


@pytest.mark.parametrize(("truncation", "window_length"), [("head", None), ("tail", 7)])
def test_batch_size_and_order_change_no_result(tokenizer, truncation, window_length):
    model = tiny_classifier(max_input_tokens=16, truncation=truncation, window_length=window_length)
    input_ids, _ = tokenize(tokenizer, TEXTS, model.config)
    for compute in (encode, predict_logits):
        expected = np.concatenate([compute(model, [ids], 0) for ids in input_ids])
        for batch_size in (1, 2, 128):
            together = compute(model, input_ids[::-1], 0, batch_size=batch_size)
            assert together.dtype == np.float64
            np.testing.assert_allclose(together, expected[::-1], atol=1e-5)


def test_nan_outputs_are_an_error():
    model = tiny_classifier()
    with torch.no_grad():
        model.classifier.bias[1] = float("nan")
    with pytest.raises(UserError, match="2 of 2 texts are NaN"):
        encode(model, [[2, 9, 3], [2, 3]], 0)


@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
@pytest.mark.parametrize("reading", [{"max_input_tokens": 16}, {}, {"window_length": 7}])
def test_predictions_are_those_of_pipeline(tokenizer, truncation, reading):
    model = tiny_classifier(**reading, truncation=truncation)
    expected = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")(TEXTS)
    for prediction, scores in zip(Predictor(model, tokenizer).classify(TEXTS), expected, strict=True):
        assert prediction.label == scores[0]["label"]
        assert prediction.probabilities == pytest.approx({s["label"]: s["score"] for s in scores}, abs=1e-6)


def test_precision_is_chosen_if_it_agrees_with_fp32(classifier, monkeypatch):
    with torch.no_grad():
        classifier.model.classifier.weight.mul_(20)  # clear labels, as of a trained model
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    exact = classifier.predict_proba(TEXTS)
    monkeypatch.setattr("bbc_classifier.inference.classifier.PRECISION_TOLERANCE", 0.0)
    classifier.set_precision("auto")
    assert classifier.precision == "fp32"
    np.testing.assert_array_equal(classifier.predict_proba(TEXTS), exact)
    monkeypatch.setattr("bbc_classifier.inference.classifier.PRECISION_TOLERANCE", 0.1)
    classifier.set_precision("auto")
    assert classifier.precision == "bf16"
    assert 0 < np.abs(classifier.predict_proba(TEXTS) - exact).max() < 0.1
    copied = pickle.loads(pickle.dumps(classifier))  # as scikit-learn's workers return it
    assert copied.precision == "bf16" and 0 < np.abs(copied.predict_proba(TEXTS) - exact).max() < 0.1
    assert classifier.model.dtype == torch.float32  # what is saved and explained


@pytest.mark.parametrize(("family", "pooling"), [*((name, "attention") for name in FAMILIES), ("bert", "pooler")])
def test_every_family_computes_in_bf16_and_the_simplest_without_padding(tokenizer, family, pooling):
    model = tiny_classifier(family, pooling, max_input_tokens=16, window_length=7)
    input_ids, _ = tokenize(tokenizer, TEXTS, model.config)
    expected, rows = predict_logits(model, input_ids, 0), []
    classifier = Predictor(model, tokenizer)
    with model.encoder.get_input_embeddings().register_forward_pre_hook(lambda _, args: rows.extend(args[0])):
        np.testing.assert_allclose(predict_logits(model, input_ids, 0), expected, atol=1e-5)
    assert any(0 in row for row in rows) == (family not in inference.UNPADDED_ENCODERS or pooling != "attention")
    classifier.set_precision("bf16")
    np.testing.assert_allclose(classifier.predict_proba(TEXTS), softmax(expected), atol=0.02)


def test_adaptive_reading_reads_on_where_the_opening_is_not_clear(classifier, tiny_model_dir):
    with pytest.raises(UserError, match="--adaptive"):
        Predictor.from_pretrained(tiny_model_dir, adaptive=True)
    texts = [LONG, "goal of the match"]
    whole = classifier.predict_proba(texts)
    input_ids = tokenize(classifier.tokenizer, [LONG], classifier.config)[0][0]
    opening = softmax(classifier.logits([[*input_ids[:7], input_ids[-1]]]))[0]
    for threshold, expected in ((opening.max(), opening), (opening.max() + 1e-6, whole[0])):
        classifier.config.adaptive_reading = {"tokens": 8, "threshold": threshold}
        classifier.adaptive = True
        np.testing.assert_allclose(classifier.predict_proba(texts), [expected, whole[1]], atol=1e-6)


def test_predictions_of_one_and_of_any_number_of_labels(classifier):
    prediction = classifier.classify(["film"])[0]
    shares = list(prediction.probabilities.values())
    assert prediction.labels == [prediction.label] == list(prediction.probabilities)[:1]
    assert prediction.confidence == shares[0] and shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1) and set(prediction.probabilities) == set(classifier.label_names)
    assert [entry.truncated for entry in classifier.classify(["film", LONG, ""])] == [False, True, False]
    assert list(classifier.classify(["film"], top_k=2)[0].probabilities) == list(prediction.probabilities)[:2]
    unsure = classifier.classify(["film"], min_confidence=1.0)[0]
    assert (unsure.label, unsure.labels, unsure.confidence) == (None, [], prediction.confidence)
    classifier.config.problem_type = "multi_label_classification"
    for thresholds, labels in (([0.01, 0.01, 0.99, 0.99, 0.99], {"business", "entertainment"}), ([0.99] * 5, set())):
        classifier.config.label_thresholds = thresholds
        prediction = classifier.classify(["film"])[0]
        assert set(prediction.labels) == labels and prediction.label == next(iter(prediction.labels), None)
    classifier.config.label_thresholds = None
    assert classifier.thresholds == [0.5] * 5


@pytest.mark.parametrize("make", TYPES, ids=["tuple", "array", "Series", "Dataset column", "iterator"])
def test_any_sequence_of_str(classifier, make):
    assert classifier.classify(make(TEXTS)) == classifier.classify(TEXTS)
    np.testing.assert_array_equal(classifier.predict_proba(make(TEXTS)), classifier.probabilities(TEXTS)[0])
    assert classifier.classify(make([])) == [] and classifier.predict_proba(make([])).shape == (0, 5)


INVALID = [
    ("film", {}, r"\[text\]"),
    (["A goal.", None], {}, "text 2 is None"),
    (pd.Series(["A goal.", 3.5], dtype=object), {}, "text 2 is a float"),
    (pd.DataFrame({"text": ["film"]}), {}, "column"),
    (["film"], {"top_k": 0}, "top_k"),
    (["film"], {"min_confidence": float("nan")}, "min_confidence"),
]


@pytest.mark.parametrize(("texts", "options", "named"), INVALID)
def test_invalid_input(classifier, texts, options, named):
    with pytest.raises(UserError, match=named):
        classifier.classify(texts, **options)


@pytest.mark.parametrize("kind", [str, Path])
def test_run_and_model_directory_load_the_same(tiny_model_dir, kind):
    classifier = Predictor.from_pretrained(kind(tiny_model_dir))
    assert classifier.label_names == ["business", "sport"] and not classifier.model.training
    run = Predictor.from_pretrained(kind(tiny_model_dir.parent))
    np.testing.assert_array_equal(run.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_truncation_and_padding_of_tokenizer_files_have_no_effect(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=9)
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = inference.load_tokenizer(tmp_path)
    assert len(loaded("the goal of the match in the market")["input_ids"]) == 10
    assert len(loaded("goal")["input_ids"]) == 3


@pytest.mark.parametrize("name", ["runs/nothing", Path("runs/nothing"), "./a/b", "/no/such", "a/b/c", "nothing", "a/"])
def test_no_classifier_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no classifier at"):
        Predictor.from_pretrained(name)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UserError, match="not finished"):
        Predictor.from_pretrained(tmp_path)
    with pytest.raises(EnvironmentFailure, match=r"nobody/nothing'.* the Hub cannot be reached"):
        Predictor.from_pretrained("nobody/nothing")
    with pytest.raises(UserError, match="a b/c d"):
        Predictor.from_pretrained("a b/c d")


def test_no_code_and_no_pickle_of_a_classifier_is_opened(tiny_model_dir, tmp_path):
    path, ran = shutil.copytree(tiny_model_dir, tmp_path / "model"), tmp_path / "ran"
    for file in path.glob("*.py"):
        file.write_text(f"open({str(ran)!r}, 'w')")
    assert Predictor.from_pretrained(path).label_names and not ran.exists()
    torch.save(load_file((path / "model.safetensors").rename(tmp_path / "moved")), path / "pytorch_model.bin")
    with pytest.raises((UserError, OSError), match="safetensors"):
        Predictor.from_pretrained(path)


def test_other_and_incomplete_checkpoints_and_devices_are_errors(tiny_model_dir, tmp_path):
    with pytest.raises(UserError, match="'bert' model, not a classifier"):
        Predictor.from_pretrained(save_tiny_encoder(tmp_path / "encoder"))
    with pytest.raises(UserError, match="--device"):
        Predictor.from_pretrained(tiny_model_dir, device="tpu9")
    tensors = load_file(tiny_model_dir / "model.safetensors")
    del tensors["classifier.bias"]
    tokenizer, settings = "tokenizer.json", "tokenizer_config.json"
    for number, absent in enumerate(((tokenizer,), (settings,), (tokenizer, settings), ())):
        path = shutil.copytree(tiny_model_dir, tmp_path / str(number))
        for name in absent:
            (path / name).unlink()
        save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(UserError, match="no tokenizer with a vocabulary" if absent else r"lack classifier\.bias"):
            Predictor.from_pretrained(path)


@pytest.mark.parametrize("pooling", [name for name, kind in POOLINGS.items() if kind.__module__.startswith("bbc")])
def test_the_scores_of_words_sum_to_the_difference_of_logits(tokenizer, pooling):
    # In float64, since the logits of a random model differ by 1e-5.
    predictor = Predictor(tiny_classifier(pooling=pooling, window_length=6).double(), tokenizer)
    explanation = explain(predictor, TEXT, steps=200)
    assert [word.word for word in explanation.words] == TEXT.split()
    assert all(TEXT[word.start : word.end] == word.word for word in explanation.words)
    assert explanation.completeness_error < 0.02
    probabilities = predictor.predict_proba([TEXT])[0]
    assert explanation.label == predictor.label_names[probabilities.argmax()]
    assert explanation.confidence == pytest.approx(probabilities.max(), abs=1e-6)
    assert explain(predictor, TEXT, predictor.label_names[0]).label == predictor.label_names[0]


def test_the_html_of_an_explanation_is_escaped_and_the_terminal_shows_the_text():
    words = [WordScore("<b>", 2.0, 0, 3), WordScore("ball", -1.0, 4, 8)]
    explanation = Explanation("<b> ball &", "sport", 0.9, words, 0.0)
    assert "&lt;b&gt;" in explanation.to_html() and "<b>" not in explanation.to_html()
    assert explanation.to_html().endswith(" &amp;</div>")
    assert explanation.__rich__().plain == explanation.text and explanation.top(1) == words[:1]


def test_explanations_of_unknown_labels_long_words_and_words_that_are_not_read(tokenizer):
    predictor = Predictor(tiny_classifier(pooling="mean", max_input_tokens=8), tokenizer)
    with pytest.raises(UserError, match="no label 'x'"):
        explain(predictor, TEXT, "x")
    assert np.isfinite([word.score for word in explain(predictor, "🙂 " + "a" * 300).words]).all()
    assert 0 < len(explain(predictor, " ".join(["team"] * 30)).words) <= 6
