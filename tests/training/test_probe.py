"""A probe alone is fitted twice: on train, which validation judges, and then on both."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoTokenizer

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.inference.batching import read_rows
from bbc_classifier.inference.decision import softmax
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.records import read_json
from bbc_classifier.training.run_folder import RunFolder
from tests.conftest import LABELS
from tests.training.conftest import TAGS, SyntheticNews
from tests.training.test_linear_probe import regression
from tests.training.test_run import weights

ALONE = {"head_start": "probe", "num_train_epochs": 0.0, "precision": "fp32"}


@pytest.fixture
def both(run_training) -> tuple[RunFolder, RunFolder]:
    """A run whose probe is fitted again, and one whose is not."""
    return run_training("again", **ALONE), run_training("once", refit_probe=False, **ALONE)


def test_the_saved_probe_is_the_librarys_of_both_sides_or_of_train_alone(both):
    rows = {row["row_id"]: row for row in SyntheticNews().read()}
    for run, sides in zip(both, (["train", "validation"], ["train"]), strict=True):
        record, split = read_json(run.record), read_json(run.split)
        model = PooledEncoderForSequenceClassification.from_pretrained(run.model).eval()
        fitted_on = [rows[row_id] for side in sides for row_id in split[side]]
        tokenizer = AutoTokenizer.from_pretrained(run.model)
        input_ids = encode_texts(tokenizer, [row["text"] for row in fitted_on], 24, "head").input_ids
        vectors, logits = read_rows(model, input_ids, 0)
        expected = regression(vectors, np.array([row["label"] for row in fitted_on]))
        # The temperature is folded into the head.
        np.testing.assert_allclose(softmax(logits * record["temperature"]), expected, atol=1e-4)
        assert record["training"]["refitted"] is (len(sides) == 2)


def test_validation_is_judged_by_the_fit_that_has_not_seen_it(both):
    again, once = (read_json(run.record) for run in both)
    assert again["temperature"] == once["temperature"]
    for name, value in once["evaluation"]["validation"]["metrics"].items():
        assert again["evaluation"]["validation"]["metrics"][name] == pytest.approx(value, abs=1e-5)
    (ids, targets, ours), (theirs_ids, theirs_targets, theirs) = (
        read_predictions(run.path / "predictions" / "validation.parquet", LABELS) for run in both
    )
    assert ids == theirs_ids and (targets == theirs_targets).all()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert weights(both[0]) != weights(both[1])


def test_what_is_trained_is_not_fitted_again(run_training):
    options = {"head_start": "probe", "max_steps": 2, "save_strategy": "steps", "save_steps": 2, "eval_steps": 2}
    options |= {"eval_strategy": "steps"}
    again, once = run_training("again", **options), run_training("once", refit_probe=False, **options)
    assert weights(again) == weights(once)
    assert read_json(again.record)["training"]["refitted"] is False


def test_a_lexical_head_is_fitted_again_as_well(run_training):
    options = {"lexical_head": True, "distinct_tokens": True, **ALONE}
    again, once = run_training("again", **options), run_training("once", refit_probe=False, **options)
    saved = [load_file(run.model / "model.safetensors") for run in (again, once)]
    for name in ("classifier.weight", "lexical_head.scores.weight", "lexical_head.idf"):
        assert not np.array_equal(saved[0][name], saved[1][name]), name
    temperatures = [read_json(run.record)["temperature"] for run in (again, once)]
    assert temperatures[0] == temperatures[1]


def test_a_probe_of_several_labels_keeps_the_thresholds_of_its_first_fit(run_tagging):
    again, once = run_tagging("again", **ALONE), run_tagging("once", refit_probe=False, **ALONE)
    configs = [read_json(run.model / "config.json")["label_thresholds"] for run in (again, once)]
    assert configs[0] == configs[1] and len(configs[0]) == len(TAGS)
    heads = [load_file(run.model / "model.safetensors")["classifier.weight"] for run in (again, once)]
    assert not torch.equal(*map(torch.from_numpy, heads))
    assert read_json(again.record)["evaluation"]["validation"]["n"] == len(read_json(again.split)["validation"])
