"""The loss of each problem type, against values worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as functional

from bbc_classifier.model.loss import infer_problem_type, sequence_loss
from tests.model.conftest import random_ids

# Probabilities 1/2, 1/4, 1/4 and 1/8, 3/4, 1/8.
LOGITS = torch.tensor([[2.0, 1.0, 1.0], [1.0, 6.0, 1.0]]).log()
LABELS = torch.tensor([0, 2])
WEIGHTS = torch.tensor([1.0, 5.0, 3.0])


def test_the_single_label_loss_is_the_mean_negative_log_probability():
    expected = (math.log(2) + math.log(8)) / 2
    assert sequence_loss(LOGITS, LABELS, "single_label_classification").item() == pytest.approx(expected)


def test_class_weights_weigh_each_row_by_its_true_class():
    expected = (1 * math.log(2) + 3 * math.log(8)) / 4
    loss = sequence_loss(LOGITS, LABELS, "single_label_classification", WEIGHTS)
    assert loss.item() == pytest.approx(expected)
    library = functional.cross_entropy(LOGITS, LABELS, weight=WEIGHTS)
    assert loss.item() == pytest.approx(library.item())


def test_label_smoothing_spreads_its_share_evenly_and_weights_leave_the_spread_alone():
    share = 0.3
    rows = [
        0.7 * math.log(2) + share / 3 * (math.log(2) + math.log(4) + math.log(4)),
        0.7 * math.log(8) + share / 3 * (math.log(8) + math.log(4 / 3) + math.log(8)),
    ]
    plain = sequence_loss(LOGITS, LABELS, "single_label_classification", None, share)
    weighted = sequence_loss(LOGITS, LABELS, "single_label_classification", WEIGHTS, share)
    assert plain.item() == pytest.approx(sum(rows) / 2)
    assert weighted.item() == pytest.approx((rows[0] + 3 * rows[1]) / 4)


def test_the_multi_label_loss_is_the_mean_over_cells_weighted_by_label():
    logits = torch.tensor([[0.0, math.log(3)]])  # probabilities 1/2 and 3/4
    targets = torch.tensor([[1.0, 0.0]])
    cells = [math.log(2), math.log(4)]
    weights = torch.tensor([1.0, 3.0])
    kind = "multi_label_classification"
    assert sequence_loss(logits, targets, kind).item() == pytest.approx(sum(cells) / 2)
    assert sequence_loss(logits, targets, kind, weights).item() == pytest.approx((cells[0] + 3 * cells[1]) / 4)
    smoothed = [math.log(2), 0.9 * math.log(4) + 0.1 * math.log(4 / 3)]  # targets 0.9 and 0.1
    assert sequence_loss(logits, targets, kind, None, 0.2).item() == pytest.approx(sum(smoothed) / 2)


def test_the_regression_loss_is_the_mean_squared_error_whatever_the_labels_shape():
    logits = torch.tensor([[1.0], [4.0]])
    for labels in (torch.tensor([0.0, 2.0]), torch.tensor([[0.0], [2.0]]), torch.tensor([0, 2])):
        assert sequence_loss(logits, labels, "regression").item() == pytest.approx((1 + 4) / 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_loss_is_in_full_precision_whatever_the_logits(dtype):
    loss = sequence_loss(LOGITS.to(dtype), LABELS, "single_label_classification", WEIGHTS)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize(
    ("num_labels", "labels", "problem_type"),
    [
        (1, torch.tensor([0.5, 0.1]), "regression"),
        (1, torch.tensor([1, 2]), "regression"),
        (3, torch.tensor([0, 2]), "single_label_classification"),
        (3, torch.tensor([[0.0, 1.0, 1.0]]), "multi_label_classification"),
    ],
)
def test_the_problem_type_is_inferred_as_the_library_infers_it(num_labels, labels, problem_type):
    assert infer_problem_type(num_labels, labels) == problem_type


def test_weights_and_smoothing_shape_training_and_leave_evaluation_plain(loud_classifier):
    options = {"class_weights": [1.0, 2.0, 3.0, 4.0, 5.0], "label_smoothing": 0.2, "classifier_dropout": 0.0}
    model = loud_classifier("modernbert", **options)  # without dropout of its own, so training computes the same logits
    ids, labels = random_ids(4, 7), torch.tensor([0, 4, 2, 2])
    evaluated = model(input_ids=ids, labels=labels)
    assert evaluated.loss.item() == pytest.approx(functional.cross_entropy(evaluated.logits, labels).item())
    trained = model.train()(input_ids=ids, labels=labels)
    weights = torch.tensor(options["class_weights"])
    expected = sequence_loss(trained.logits, labels, "single_label_classification", weights, 0.2)
    torch.testing.assert_close(trained.logits, evaluated.logits)
    assert trained.loss.item() == pytest.approx(expected.item())
    assert trained.loss.item() != pytest.approx(evaluated.loss.item(), abs=1e-3)


def test_the_configured_problem_type_wins_over_the_labels_type(loud_classifier):
    model = loud_classifier(problem_type="multi_label_classification")
    output = model(input_ids=random_ids(2, 5), labels=torch.tensor([[1, 0, 0, 1, 0], [0, 0, 0, 0, 1]]))
    targets = torch.tensor([[1.0, 0, 0, 1, 0], [0, 0, 0, 0, 1]])
    expected = functional.binary_cross_entropy_with_logits(output.logits, targets)
    assert output.loss.item() == pytest.approx(expected.item())


def test_without_labels_there_is_no_loss(loud_classifier):
    assert loud_classifier()(input_ids=random_ids(2, 5)).loss is None
