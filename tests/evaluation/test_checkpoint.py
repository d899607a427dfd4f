"""A reloaded classifier is evaluated with labels matched by name, not by index."""

import numpy as np
import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.checkpoint import evaluate_side, label_indices
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.inference.classifier import NewsClassifier

LABELS = ["business", "entertainment", "politics", "sport", "tech"]


def test_label_indices_follow_the_names():
    assert label_indices(["a", "b", "c"], ["c", "a", "x", "b"]).tolist() == [1, 3, 0]


def test_an_unknown_label_is_named_with_the_known_ones():
    with pytest.raises(InputError, match="does not know the label 'sport'; it knows a, b"):
        label_indices(["a", "sport"], ["a", "b"])


@pytest.fixture
def opened(save_classifier) -> NewsClassifier:
    # The labels stand in another order than the data's, and there is one that the data has not.
    return NewsClassifier.from_pretrained(str(save_classifier(["weather", *reversed(LABELS)])), device="cpu")


def test_a_side_is_evaluated_under_the_classifiers_own_order_of_labels(opened, bbc_articles, tmp_path):
    report = evaluate_side(opened, bbc_articles, "validation", tmp_path)
    row_ids, labels, probabilities = read_predictions(tmp_path / "predictions/validation.parquet", opened.label_names)
    assert row_ids == bbc_articles.split.validation
    assert [opened.label_names[index] for index in labels] == [row_id.partition("/")[0] for row_id in row_ids]
    assert report["metrics"]["accuracy"] == np.mean(probabilities.argmax(axis=1) == labels)
    assert report["per_class"]["weather"]["support"] == 0
    assert report["truncated_share"] > 0.99
    # Only the test side has figures.
    assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == ["predictions"]
