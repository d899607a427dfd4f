"""Thresholds in the configuration, and a head that is kept only where it means the same."""

from pathlib import Path

import pytest
import torch

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from tests.conftest import LABELS
from tests.tiny import tiny_config

MULTI_LABEL = "multi_label_classification"
from_encoder = PooledEncoderForSequenceClassification.from_encoder


def make(**options: object) -> PooledEncoderConfig:
    return PooledEncoderConfig(tiny_config(), id2label={0: "a", 1: "b"}, **options)


@pytest.mark.parametrize("problem_type", [None, "single_label_classification", "regression"])
def test_only_a_multi_label_classifier_has_thresholds(problem_type):
    assert not make(problem_type=problem_type).is_multi_label
    with pytest.raises(PooledEncoderError, match="label_thresholds need the problem_type 'multi_label_classification'"):
        make(problem_type=problem_type, label_thresholds=[0.5, 0.5])


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ([0.5], "label_thresholds has 1 values for 2 labels"),
        ([0.5, 0.0], "above 0 and below 1"),
        ([0.5, 1.0], "above 0 and below 1"),
        ([0.5, float("nan")], "above 0 and below 1"),
        ([0.5, "0.5"], "above 0 and below 1"),
        ([0.5, True], "above 0 and below 1"),
    ],
)
def test_thresholds_are_one_share_per_label(thresholds, said):
    with pytest.raises(PooledEncoderError, match=said):
        make(problem_type=MULTI_LABEL, label_thresholds=thresholds)


def test_thresholds_made_illegal_later_are_refused_when_the_model_is_built():
    config = make(problem_type=MULTI_LABEL)
    config.label_thresholds = [2.0, 0.5]
    with pytest.raises(PooledEncoderError, match="above 0 and below 1"):
        PooledEncoderForSequenceClassification(config)


@pytest.mark.parametrize("thresholds", [None, [0.1 + 0.2, 1e-9]])
def test_thresholds_come_back_from_json_as_they_were(thresholds, tmp_path):
    config = make(problem_type=MULTI_LABEL, label_thresholds=thresholds)
    config.save_pretrained(tmp_path)
    loaded = PooledEncoderConfig.from_pretrained(tmp_path)
    assert loaded.to_dict() == config.to_dict()
    assert (loaded.label_thresholds, loaded.is_multi_label) == (thresholds, True)


def test_one_label_alone_is_a_choice_where_a_row_may_have_none():
    assert PooledEncoderConfig(tiny_config(), id2label={0: "spam"}, problem_type=MULTI_LABEL).num_labels == 1


@pytest.fixture
def finished(tiny_bert_folder, tmp_path) -> Path:
    """A finished multi-label classifier, with thresholds."""
    torch.manual_seed(7)
    model = from_encoder(str(tiny_bert_folder), labels=LABELS, problem_type=MULTI_LABEL)
    model.config.label_thresholds = [0.3] * 5
    model.save_pretrained(tmp_path / "finished")
    return tmp_path / "finished"


def test_a_finished_multi_label_head_is_kept_for_the_same_labels_and_its_thresholds_are_not(finished):
    again = from_encoder(str(finished), labels=LABELS, problem_type=MULTI_LABEL)
    start = PooledEncoderForSequenceClassification.from_pretrained(finished)
    assert torch.equal(again.classifier.weight, start.classifier.weight)
    assert (start.config.label_thresholds, again.config.label_thresholds) == ([0.3] * 5, None)


def test_a_head_is_fresh_where_the_labels_exclude_each_other_and_did_not_before(finished):
    again = from_encoder(str(finished), labels=LABELS, problem_type="single_label_classification")
    start = PooledEncoderForSequenceClassification.from_pretrained(finished)
    assert not torch.equal(again.classifier.weight, start.classifier.weight)
    assert torch.equal(again.encoder.embeddings.word_embeddings.weight, start.encoder.embeddings.word_embeddings.weight)
