"""A reloaded classifier is evaluated with labels matched by name, not by index."""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from bbc_classifier.data.articles import Articles
from bbc_classifier.data.split import Split
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.checkpoint import evaluate_side
from bbc_classifier.evaluation.predictions import read_given, read_predictions
from bbc_classifier.inference.classifier import NewsClassifier

LABELS = ["business", "entertainment", "politics", "sport", "tech"]


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


TAGS = ["red", "green", "blue"]


@pytest.fixture
def tagged() -> Articles:
    """Four articles on the test side with none to three labels, one on each of the others."""
    labels = [[0], [], [2, 0, 1], [1], [0], [1, 2]]
    rows = [{"row_id": f"r{row}", "text": f"goal {row}", "label": tags} for row, tags in enumerate(labels)]
    features = {"row_id": Value("string"), "text": Value("string"), "label": List(ClassLabel(names=TAGS))}
    table = Dataset.from_list(rows, features=Features(features))
    split = Split(["r4"], ["r5"], ["r0", "r1", "r2", "r3"], 42, "f" * 64)
    return Articles(table, split, {}, {"name": "tags"})


MULTI_LABEL = {"problem_type": "multi_label_classification", "label_thresholds": [0.4, 0.45, 0.5, 0.55]}


def test_a_multi_label_side_is_evaluated_under_the_classifiers_own_order_and_thresholds(
    save_classifier, tagged, tmp_path
):
    opened = NewsClassifier.from_pretrained(str(save_classifier(["x", *TAGS[::-1]], **MULTI_LABEL)), device="cpu")
    report = evaluate_side(opened, tagged, "test", tmp_path)
    path = tmp_path / "predictions" / "test.parquet"
    row_ids, targets, probabilities = read_predictions(path, opened.label_names)
    assert row_ids == ["r0", "r1", "r2", "r3"]
    assert targets.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 1, 0]]
    given = probabilities >= MULTI_LABEL["label_thresholds"]
    assert (read_given(path, opened.label_names) == given).all()
    assert report["correct"] == (given == targets).all(axis=1).sum()
    assert [row["threshold"] for row in report["per_class"].values()] == MULTI_LABEL["label_thresholds"]
    assert [file.name for file in (tmp_path / "figures").iterdir()] == ["label_counts.png"]


def test_a_multi_label_classifier_knows_no_other_label(save_classifier, tagged, tmp_path):
    opened = NewsClassifier.from_pretrained(str(save_classifier(["red", "green", "violet", "x"], **MULTI_LABEL)))
    with pytest.raises(InputError, match="does not know the label 'blue'; it knows 'red', 'green', 'violet'"):
        evaluate_side(opened, tagged, "test", tmp_path)


def test_a_classifier_of_the_other_kind_is_refused_in_one_sentence(save_classifier, tagged, bbc_articles, tmp_path):
    single = NewsClassifier.from_pretrained(str(save_classifier(TAGS)))
    with pytest.raises(InputError, match="gives exactly one label, but an article of the data set has any number"):
        evaluate_side(single, tagged, "test", tmp_path)
    multiple = NewsClassifier.from_pretrained(str(save_classifier(LABELS, problem_type=MULTI_LABEL["problem_type"])))
    with pytest.raises(InputError, match="gives any number of labels, but every article of the data set has exactly"):
        evaluate_side(multiple, bbc_articles, "test", tmp_path)
