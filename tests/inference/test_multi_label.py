"""A multi-label classifier: any number of labels, each from its own threshold on; probabilities as the library's."""

import numpy as np
import pytest
from transformers import pipeline

from bbc_classifier.inference.classifier import UNSURE, NewsClassifier
from tests.conftest import LABELS
from tests.tiny import tiny_tokenizer

LONG = "shares fell in the market " * 30
TEXTS = ["goal of the match", LONG, "", "film", "naïve café 🏆"]
MULTI_LABEL = "multi_label_classification"


@pytest.fixture
def classifier(tiny_classifier, tokenizer) -> NewsClassifier:
    return NewsClassifier(tiny_classifier(max_input_tokens=16, problem_type=MULTI_LABEL), tokenizer)


def set_probabilities(classifier: NewsClassifier, *probabilities: float) -> None:
    """Let the classifier answer the same whatever the text."""
    classifier.model.classifier.weight.data.zero_()
    odds = np.array(probabilities) / (1 - np.array(probabilities))
    classifier.model.classifier.bias.data.copy_(classifier.model.classifier.bias.new_tensor(np.log(odds)))


@pytest.mark.parametrize("truncation", ["head", "tail"])
def test_the_probabilities_of_a_saved_checkpoint_are_those_of_the_librarys_pipeline(
    tiny_classifier, tmp_path, truncation
):
    thresholds = [0.1, 0.2, 0.3, 0.4, 0.9]
    options = {"max_input_tokens": 16, "truncation": truncation, "problem_type": MULTI_LABEL}
    tiny_classifier(label_thresholds=thresholds, **options).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    opened = NewsClassifier.from_pretrained(str(tmp_path), device="cpu")
    assert opened.thresholds == thresholds
    theirs = pipeline("text-classification", model=str(tmp_path), top_k=None, device="cpu")(TEXTS)
    for answer, scores in zip(opened.predict(TEXTS), theirs, strict=True):
        assert list(answer.probabilities) == [score["label"] for score in scores]
        assert list(answer.probabilities.values()) == pytest.approx([score["score"] for score in scores], abs=1e-6)


def test_the_labels_are_those_that_reach_their_thresholds_most_probable_first(classifier):
    set_probabilities(classifier, 0.2, 0.6, 0.3, 0.8, 0.9)
    classifier.model.config.label_thresholds = [0.1, 0.7, 0.4, 0.5, 0.95]
    (answer,) = classifier.predict(["film"])
    assert answer.labels == ["sport", "business"]
    assert (answer.label, answer.confidence) == ("sport", pytest.approx(0.8))
    assert list(answer.probabilities) == ["tech", "sport", "entertainment", "politics", "business"]


def test_a_text_can_have_no_label_and_then_the_confidence_is_the_highest_there_is(classifier):
    set_probabilities(classifier, 0.2, 0.1, 0.4, 0.3, 0.1)
    (answer,) = classifier.predict(["film"])
    assert (answer.label, answer.labels, answer.confidence) == (UNSURE, [], pytest.approx(0.4))


def test_without_thresholds_every_label_is_given_from_a_half_on(classifier):
    assert classifier.thresholds == [0.5] * 5
    set_probabilities(classifier, 0.51, 0.49, 0.9, 0.1, 0.1)
    assert classifier.predict(["film"])[0].labels == ["politics", "business"]


def test_labels_below_the_confidence_asked_for_are_not_given(classifier):
    set_probabilities(classifier, 0.6, 0.7, 0.8, 0.1, 0.1)
    labels = {floor: classifier.predict(["film"], min_confidence=floor)[0].labels for floor in (0.0, 0.65, 0.75, 0.9)}
    full = ["politics", "entertainment", "business"]
    assert labels == {0.0: full, 0.65: full[:2], 0.75: full[:1], 0.9: []}
    assert classifier.predict(["film"], min_confidence=0.9)[0].label == UNSURE


def test_top_k_limits_the_probabilities_shown_and_not_the_labels_given(classifier):
    set_probabilities(classifier, 0.6, 0.7, 0.8, 0.1, 0.1)
    (answer,) = classifier.predict(["film"], top_k=1)
    assert (list(answer.probabilities), len(answer.labels)) == (["politics"], 3)


def test_answers_come_in_the_order_of_the_texts_whatever_the_batches(classifier):
    for text, answer in zip(TEXTS, classifier.predict(TEXTS), strict=True):
        alone = classifier.predict([text])[0]
        assert alone.labels == answer.labels
        assert alone.probabilities == pytest.approx(answer.probabilities, abs=1e-6)


def test_a_single_label_classifier_gives_its_one_label(tiny_classifier, tokenizer):
    classifier = NewsClassifier(tiny_classifier(max_input_tokens=16), tokenizer)
    assert (classifier.multi_label, classifier.thresholds) == (False, None)
    (answer,) = classifier.predict(["film"])
    assert answer.labels == [answer.label] and answer.label in LABELS
    assert classifier.predict(["film"], min_confidence=1.0)[0].labels == []
