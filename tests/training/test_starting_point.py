"""Class weights by hand."""

from bbc_classifier.training.starting_point import balanced_weights


def test_balanced_weights_are_those_worked_out_by_hand():
    assert balanced_weights([6, 2, 1]) == [9 / 18, 9 / 6, 9 / 3]


def test_under_balanced_weights_every_label_counts_the_same():
    totals = [50, 30, 20, 1]
    assert {round(weight * total, 9) for weight, total in zip(balanced_weights(totals), totals, strict=True)} == {25.25}


def test_a_label_that_no_training_row_has_weighs_as_one_that_one_has():
    assert balanced_weights([3, 0]) == [3 / 6, 3 / 2]
