"""Texts in, labels and confidences out; the same figures as the library's own pipeline."""

import copy

import numpy as np
import pytest
from transformers import pipeline

from bbc_classifier.errors import InputError
from bbc_classifier.inference.classifier import UNSURE, NewsClassifier

LONG = "shares fell in the market " * 30
TEXTS = ["goal of the match", LONG, "", "film", "naïve café 🏆", "a b", LONG + "team"]


@pytest.fixture
def classifier(tiny_classifier, tokenizer) -> NewsClassifier:
    return NewsClassifier(tiny_classifier(max_input_tokens=16), tokenizer)


def test_probabilities_add_up_to_one(classifier):
    probabilities, _ = classifier.probabilities(TEXTS)
    assert probabilities.shape == (len(TEXTS), 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    assert (probabilities > 0).all()


@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
@pytest.mark.parametrize("max_input_tokens", [16, None])
def test_the_answers_are_those_of_the_librarys_pipeline(tiny_classifier, tokenizer, truncation, max_input_tokens):
    model = tiny_classifier(max_input_tokens=max_input_tokens, truncation=truncation)
    ours = NewsClassifier(model, tokenizer).predict(TEXTS)
    theirs = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")(TEXTS)
    for answer, scores in zip(ours, theirs, strict=True):
        assert answer.label == scores[0]["label"]
        expected = {score["label"]: score["score"] for score in scores}
        assert answer.probabilities == pytest.approx(expected, abs=1e-6)


def test_an_answer_holds_its_best_label_and_every_label_best_first(classifier):
    answer = classifier.predict(["goal of the match"])[0]
    assert answer.label == next(iter(answer.probabilities))
    assert answer.confidence == max(answer.probabilities.values())
    assert list(answer.probabilities.values()) == sorted(answer.probabilities.values(), reverse=True)
    assert set(answer.probabilities) == set(classifier.label_names)


def test_answers_come_in_the_order_of_the_texts(classifier):
    together = classifier.predict(TEXTS)
    for text, answer in zip(TEXTS, together, strict=True):
        assert classifier.predict([text])[0].probabilities == pytest.approx(answer.probabilities, abs=1e-6)


@pytest.mark.parametrize(("top_k", "shown"), [(1, 1), (3, 3), (None, 5), (99, 5)])
def test_top_k_limits_how_many_labels_are_shown(classifier, top_k, shown):
    whole, cut = classifier.predict(["film"])[0], classifier.predict(["film"], top_k=top_k)[0]
    assert list(cut.probabilities.items()) == list(whole.probabilities.items())[:shown]
    assert (cut.label, cut.confidence) == (whole.label, whole.confidence)


def test_below_the_confidence_asked_for_the_answer_is_unsure(classifier):
    confidence = classifier.predict(["film"])[0].confidence
    assert classifier.predict(["film"], min_confidence=1.0)[0].label == UNSURE
    assert classifier.predict(["film"], min_confidence=confidence)[0].label != UNSURE
    assert classifier.predict(["film"], min_confidence=1.0)[0].confidence == confidence


def test_texts_that_were_cut_say_so(classifier):
    assert [answer.truncated for answer in classifier.predict(["film", LONG, ""])] == [False, True, False]


def test_no_texts_give_no_answers(classifier):
    assert classifier.predict([]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k must be at least 1, not 0"),
        ({"top_k": -1}, "top_k must be at least 1, not -1"),
        ({"min_confidence": 1.5}, "min_confidence must be between 0 and 1, not 1.5"),
        ({"min_confidence": -0.1}, "min_confidence must be between 0 and 1, not -0.1"),
        ({"min_confidence": float("nan")}, "min_confidence must be between 0 and 1, not nan"),
    ],
)
def test_options_that_make_no_sense_are_refused(classifier, options, message):
    with pytest.raises(InputError, match=message):
        classifier.predict(["film"], **options)


def test_one_text_instead_of_a_list_is_refused(classifier):
    # Its letters would be classified one by one.
    with pytest.raises(InputError, match="must be a list of texts"):
        classifier.predict("film")


def test_a_tokenizer_that_knows_more_than_the_encoder_is_named(tiny_classifier, tokenizer):
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["hockey"])
    classifier = NewsClassifier(tiny_classifier(), other)
    assert classifier.predict(["a match"])
    with pytest.raises(InputError, match=r"gives the token \d+, but the encoder knows \d+ tokens"):
        classifier.predict(["a match", "hockey"])
