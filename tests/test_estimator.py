"""`TextClassifier` in scikit-learn's tools, and what it shares with the command."""

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from bbc_classifier import TextClassifier
from bbc_classifier.errors import UserError
from bbc_classifier.io import read_json
from tests.training.conftest import TOPIC_WORDS

FAST = {"max_steps": 2, "max_length": 16, "recipe": "standard", "precision": "fp32", "use_cpu": True}
TEXTS = [f"the {words} {number} of a team {number * number}" for number in range(12) for words in TOPIC_WORDS.values()]
LABELS = [label for _ in range(12) for label in TOPIC_WORDS]


@pytest.fixture
def estimator(tiny_bert_dir) -> TextClassifier:
    return TextClassifier.from_encoder(str(tiny_bert_dir), pooling="mean", **FAST)


def test_fit_predict_evaluate_save_and_load(estimator, tmp_path):
    with pytest.raises(NotFittedError, match="fit"):
        estimator.predict(TEXTS)
    estimator.fit(pd.Series(TEXTS), np.array(LABELS))
    record = read_json(estimator.run_dir_ / "record.json")
    sizes = record["data"]["split_sizes"]
    assert sizes["test"] == 0 and sizes["train"] + sizes["validation"] == len(TEXTS)
    assert "test" not in record["evaluation"] and record["baseline"] is None
    predictions, probabilities = estimator.predict(TEXTS), estimator.predict_proba(TEXTS)
    assert estimator.classes_.tolist() == sorted(TOPIC_WORDS)
    np.testing.assert_array_equal(predictions, estimator.classes_[probabilities.argmax(axis=1)])
    report = estimator.evaluate(TEXTS, LABELS)
    assert report["metrics"]["accuracy"] == estimator.score(TEXTS, LABELS) == np.mean(predictions == np.array(LABELS))
    assert list(report["by_length"]) == ["first_sentence", "first_30_words", "whole"]
    estimator.save(tmp_path / "saved")
    with pytest.raises(UserError, match="saved"):
        estimator.save(tmp_path / "saved")
    loaded = TextClassifier.from_pretrained(tmp_path / "saved", device="cpu", precision="fp32")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), probabilities)
    assert loaded.classify(TEXTS[:1])[0].label == predictions[0]
    with pytest.raises(UserError, match="test"):
        estimator.push_to_hub("owner/name", license="apache-2.0", dry_run=True, output_dir=str(tmp_path / "staged"))


def test_labels_of_any_type_and_number_and_columns_of_a_dataset(estimator):
    numbers = [10 * sorted(TOPIC_WORDS).index(label) for label in LABELS]
    table = Dataset.from_dict({"text": TEXTS, "label": numbers})
    estimator.fit(table["text"], table["label"])
    assert estimator.classes_.tolist() == [0, 10, 20, 30, 40]
    assert set(estimator.predict(TEXTS)) <= set(numbers)
    estimator.fit(TEXTS, np.array(numbers, dtype=float))
    assert estimator.evaluate(TEXTS, np.array(numbers, dtype=float))["n"] == len(TEXTS)
    words = [str(9 + number // 10) for number in numbers]
    probabilities = estimator.fit(TEXTS, words).predict_proba(TEXTS)
    assert estimator.classes_.tolist() == ["10", "11", "12", "13", "9"]  # as scikit-learn sorts them
    np.testing.assert_array_equal(estimator.classes_[probabilities.argmax(axis=1)], estimator.predict(TEXTS))
    spaced = [f"{label}  news " for label in LABELS]
    assert set(estimator.fit(TEXTS, spaced).predict(TEXTS)) <= set(spaced)
    estimator.set_params(label_map={"tech news": "technology"}).fit(TEXTS, spaced)
    assert set(estimator.classes_) == {*spaced, "technology"} - {"tech  news "}
    assert estimator.evaluate(TEXTS, spaced)["metrics"]["accuracy"] == estimator.score(TEXTS, spaced)
    with pytest.raises(UserError, match="label"):
        estimator.fit(TEXTS, [None, *LABELS[1:]])
    estimator.set_params(label_map=None)
    several = [[label, "news"] for label in LABELS]
    predictions = estimator.fit(TEXTS, several).predict(TEXTS[:3])
    assert len(predictions) == 3 and all(set(row) <= {*TOPIC_WORDS, "news"} for row in predictions)
    metrics, splits = estimator.evaluate(TEXTS, several)["metrics"], KFold(2)
    assert metrics["micro_f1"] >= 0 and estimator.score(TEXTS, several) == metrics["subset_accuracy"]
    assert np.isfinite(cross_val_score(estimator, TEXTS, several, cv=splits)).all()
    with pytest.raises(UserError, match="labels: shape"):
        estimator.fit(TEXTS, np.eye(len(TEXTS)))


def test_parameters_and_clones(estimator):
    copy = clone(estimator)
    assert copy is not estimator and copy.get_params() == estimator.get_params()
    assert "learning_rate" in copy.get_params() and copy.set_params(learning_rate=1e-3).options["learning_rate"] == 1e-3
    assert "learning_rate" not in estimator.options and "pooling='mean'" in repr(estimator)
    for call in (lambda: TextClassifier(poling="mean"), lambda: estimator.set_params(poling="mean")):
        with pytest.raises(TypeError, match="poling"):
            call()
    with pytest.raises(UserError, match="learning_rate"):
        estimator.set_params(learning_rate=-1).fit(TEXTS, LABELS)


def test_model_selection_and_pipelines(estimator):
    grid = {"pooling": ["cls", "mean"], "learning_rate": [1e-4]}
    search = GridSearchCV(estimator, grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["pooling"] in grid["pooling"] and search.predict(TEXTS[:2]).shape == (2,)
    pipeline = make_pipeline(FunctionTransformer(lambda texts: [text.lower() for text in texts]), estimator)
    assert pipeline.fit(TEXTS, LABELS).predict_proba(TEXTS).shape == (60, 5)
