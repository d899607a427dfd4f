"""Explanations: complete, aligned with words, in every pooling; escaped."""

import numpy as np
import pytest

from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.inference.explain import Explanation, WordScore, explain
from bbc_classifier.model import POOLINGS
from tests.tiny import tiny_classifier

pytest.importorskip("captum")
TEXT = "The team scored <twice> in the  final."


@pytest.mark.parametrize("pooling", [name for name, kind in POOLINGS.items() if kind.__module__.startswith("bbc")])
def test_scores_sum_to_the_difference_of_logits(tokenizer, pooling):
    # In float64, since the logits of a random model differ by 1e-5.
    predictor = Predictor(tiny_classifier(pooling=pooling).double(), tokenizer)
    explanation = explain(predictor, TEXT, steps=200)
    assert [word.word for word in explanation.words] == TEXT.split()
    assert all(TEXT[word.start : word.end] == word.word for word in explanation.words)
    assert explanation.completeness_error < 0.02
    probabilities = predictor.predict_proba([TEXT])[0]
    assert explanation.label == predictor.label_names[probabilities.argmax()]
    assert explanation.confidence == pytest.approx(probabilities.max(), abs=1e-6)
    assert explain(predictor, TEXT, predictor.label_names[0]).label == predictor.label_names[0]


def test_html_is_escaped_and_the_terminal_shows_the_text():
    words = [WordScore("<b>", 2.0, 0, 3), WordScore("ball", -1.0, 4, 8)]
    explanation = Explanation("<b> ball &", "sport", 0.9, words, 0.0)
    assert "&lt;b&gt;" in explanation.to_html() and "<b>" not in explanation.to_html()
    assert explanation.to_html().endswith(" &amp;</div>")
    assert explanation.__rich__().plain == explanation.text and explanation.top(1) == words[:1]


def test_unknown_labels_long_words_and_words_that_are_not_read(tokenizer):
    predictor = Predictor(tiny_classifier(pooling="mean", max_input_tokens=8), tokenizer)
    with pytest.raises(UserError, match="no label 'x'"):
        explain(predictor, TEXT, "x")
    assert np.isfinite([word.score for word in explain(predictor, "🙂 " + "a" * 300).words]).all()
    assert 0 < len(explain(predictor, " ".join(["team"] * 30)).words) <= 6
