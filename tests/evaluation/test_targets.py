"""Labels are matched by name, not by index, whichever form they have."""

import numpy as np
import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.targets import class_indices, indicators, label_indices

DATA, MODEL = ["a", "b", "c"], ["c", "a", "x", "b"]


def test_label_indices_follow_the_names():
    assert label_indices(DATA, MODEL).tolist() == [1, 3, 0]


def test_an_unknown_label_is_named_with_the_known_ones():
    for convert in (class_indices, indicators):
        with pytest.raises(InputError, match="does not know the label 'sport'; it knows 'a', 'b'"):
            convert([], ["a", "sport"], ["a", "b"])


def test_class_indices_are_the_classifiers():
    assert class_indices([0, 2, 2, 1], DATA, MODEL).tolist() == [1, 0, 0, 3]


def test_indicators_have_a_column_per_label_of_the_classifier_also_for_rows_without_labels():
    targets = indicators([[0, 2], [], [1, 1]], DATA, MODEL)
    assert targets.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert targets.dtype == np.float32
