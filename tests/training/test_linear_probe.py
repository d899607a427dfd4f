"""The head that training starts with is the logistic regression that the library fits, on what the head is given."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bbc_classifier.errors import InputError
from bbc_classifier.inference.batching import predict_logits, read_rows
from bbc_classifier.inference.decision import sigmoid, softmax
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.records import read_json
from bbc_classifier.training.linear_probe import INVERSE_PENALTY, fit_head
from tests.tiny import tiny_config
from tests.training.test_run import interrupt_at, weights

ROWS = [[2, 5 + row % 40, 7 + row % 11, *range(9, 9 + row % 6), 3] for row in range(60)]


def classifier(labels: int, **options: object) -> PooledEncoderForSequenceClassification:
    torch.manual_seed(0)
    names = {index: f"label {index}." for index in range(labels)}
    config = PooledEncoderConfig(encoder_config=tiny_config(), id2label=names, **options)
    return PooledEncoderForSequenceClassification(config)


def regression(vectors: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Return the library's own probabilities for the rows it was fitted on."""
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=1000))
    fitted.fit(vectors, targets, logisticregression__sample_weight=sample_weight)
    return fitted.predict_proba(vectors)


def test_the_pooled_vectors_are_the_means_of_the_encoders():
    model = classifier(3).eval()
    vectors, read_logits = read_rows(model, ROWS, 0, tokens_per_batch=100)
    np.testing.assert_array_equal(read_logits, predict_logits(model, ROWS, 0, tokens_per_batch=100))
    assert vectors.shape == (60, 24) and vectors.dtype == np.float64
    for row, tokens in enumerate(ROWS[:9]):
        with torch.no_grad():
            states = model.encoder(input_ids=torch.tensor([tokens])).last_hidden_state[0]
        np.testing.assert_allclose(vectors[row], states.mean(0).numpy(), atol=1e-5)
    with torch.no_grad():
        logits = model.classifier(torch.from_numpy(vectors).float()).numpy()
    np.testing.assert_allclose(predict_logits(model, ROWS, 0), logits, atol=1e-5)


@pytest.mark.parametrize("labels", [2, 4])
def test_one_label_of_several_is_a_softmax_regression(labels):
    model = classifier(labels)
    targets = np.array([tokens[1] % labels for tokens in ROWS])
    expected = regression(read_rows(model, ROWS, 0).vectors, targets)
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    fit_head(model, read_rows(model, ROWS, 0).vectors, ROWS, targets, 0)
    np.testing.assert_allclose(softmax(predict_logits(model, ROWS, 0)), expected, atol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.encoder.state_dict().items())


def test_class_weights_weigh_the_rows():
    model = classifier(2, class_weights=[1.0, 9.0])
    targets = np.array([int(tokens[1] % 5 == 0) for tokens in ROWS])
    expected = regression(read_rows(model, ROWS, 0).vectors, targets, np.where(targets == 1, 9.0, 1.0))
    fit_head(model, read_rows(model, ROWS, 0).vectors, ROWS, targets, 0)
    np.testing.assert_allclose(softmax(predict_logits(model, ROWS, 0)), expected, atol=1e-5)


def test_a_label_that_no_row_has_stays_at_nothing():
    model = classifier(3)
    fit_head(model, read_rows(model, ROWS, 0).vectors, ROWS, np.array([2 * (tokens[1] % 2) for tokens in ROWS]), 0)
    assert not model.classifier.weight[1].any() and not model.classifier.bias[1]
    assert model.classifier.weight[0].any() and model.classifier.weight[2].any()


def test_any_number_of_labels_is_a_regression_each():
    model = classifier(3, problem_type="multi_label_classification")
    targets = np.array([[tokens[1] % 2, tokens[2] % 3 == 0, 1] for tokens in ROWS], dtype=np.float32)
    vectors = read_rows(model, ROWS, 0).vectors
    expected = np.stack([regression(vectors, targets[:, label])[:, 1] for label in (0, 1)], axis=1)
    fit_head(model, read_rows(model, ROWS, 0).vectors, ROWS, targets, 0)
    np.testing.assert_allclose(sigmoid(predict_logits(model, ROWS, 0))[:, :2], expected, atol=1e-5)
    assert not model.classifier.weight[2].any()


def test_a_probed_run_starts_better_and_says_so(run_training):
    steps = {"max_steps": 1, "learning_rate": 1e-6, "eval_strategy": "steps", "eval_steps": 1, "save_strategy": "steps"}
    found = {}
    for start in ("random", "probe"):
        run = run_training(start, head_start=start, save_steps=1, **steps)
        record = read_json(run.record)
        assert record["options"]["model"]["head_start"] == start
        found[start] = record["evaluation"]["validation"]["metrics"]["accuracy"]
    assert found["probe"] > found["random"] + 0.2


def test_a_probe_alone_is_a_run(run_training):
    run = run_training(head_start="probe", num_train_epochs=0.0)
    record = read_json(run.record)
    assert (record["training"]["steps"], record["training"]["best_step"]) == (0, 0)
    assert record["evaluation"]["test"]["metrics"]["accuracy"] > 0.9
    assert not (run.figures / "learning_curves.png").exists()
    with pytest.raises(InputError, match="--num_train_epochs 0 trains nothing; add --head_start probe"):
        run_training("nothing", num_train_epochs=0.0)


def test_a_resumed_probed_run_is_the_uninterrupted_one_bit_for_bit(run_training, monkeypatch):
    options = {"head_start": "probe", "encoder_dropout": 0.1, "save_strategy": "steps", "save_steps": 3}
    options |= {"eval_strategy": "steps", "eval_steps": 3}
    whole = run_training("whole", **options)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 4)
        run_training("stopped", **options)
    assert weights(run_training("stopped", resume_from_checkpoint="last", **options)) == weights(whole)


def test_no_seed_changes_a_probe_alone(run_training):
    options = {"head_start": "probe", "num_train_epochs": 0.0}
    assert weights(run_training("one", seed=1, **options)) == weights(run_training("other", seed=2, **options))
