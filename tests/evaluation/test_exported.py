"""What is said of an export: hand-computed from two classifiers whose answers are given."""

from collections.abc import Sequence

import numpy as np
import pytest

from bbc_classifier.evaluation import exported
from bbc_classifier.evaluation.exported import measure_export
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.model import PooledEncoderConfig
from tests.tiny import tiny_config, tiny_tokenizer


class Given(TextClassifier):
    """A classifier whose logits are handed to it."""

    def __init__(self, logits: np.ndarray, **options: object):
        config = PooledEncoderConfig(tiny_config(), id2label={0: "a", 1: "b"}, max_input_tokens=64, **options)
        super().__init__(config, tiny_tokenizer())
        self.given = logits

    def logits(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        return self.given


def logits_of(probabilities: list[list[float]]) -> np.ndarray:
    return np.log(np.array(probabilities))


@pytest.fixture
def measured(monkeypatch, tmp_path):
    def measure(original: Given, other: Given) -> dict:
        monkeypatch.setattr(exported, "open_classifier", lambda folder, device: other)
        return measure_export("nowhere", original, tmp_path, on_data=True)

    return measure


def test_agreement_is_of_answers_and_the_largest_difference_is_of_a_probability(measured):
    n = len(TRIAL_TEXTS)
    original = [[0.9, 0.1]] * n
    other = [[0.9, 0.1]] * (n - 2) + [[0.4, 0.6], [0.7, 0.3]]
    found = measured(Given(logits_of(original)), Given(logits_of(other)))
    assert found["data"] is None and found["n"] == n
    assert found["agreement"] == pytest.approx((n - 1) / n)
    assert found["largest_difference"] == pytest.approx(0.5)


def test_of_several_labels_all_must_be_the_same_by_the_classifiers_own_thresholds(measured):
    n = len(TRIAL_TEXTS)
    options = {"problem_type": "multi_label_classification", "label_thresholds": [0.2, 0.8]}
    logits = np.zeros((n, 2))  # probabilities of a half: the first label is given, the second is not
    other = logits.copy()
    other[0, 1] = np.log(0.9 / 0.1)  # now it is
    other[1, 1] = np.log(0.7 / 0.3)  # still it is not
    found = measured(Given(logits, **options), Given(other, **options))
    assert found["agreement"] == pytest.approx((n - 1) / n)
    assert found["largest_difference"] == pytest.approx(0.4)
