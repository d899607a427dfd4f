"""What cannot be trained on, or not be fairly tested with, is refused before an encoder is loaded."""

import pytest

from bbc_classifier.data.split import Split
from bbc_classifier.data.trainable import check_trainable
from bbc_classifier.errors import InputError

LABELS = {
    "1": ("arts",),
    "2": ("sport",),
    "3": ("arts",),
    "4": ("sport",),
    "5": ("tech",),
    "6": (),
    "7": ("sport", "tech"),
}


def check(train="12", validation="3", test="4"):
    split = Split([*train], [*validation], [*test], seed=42, fingerprint="")
    check_trainable(split, {row_id: LABELS[row_id] for row_id in train + validation + test})


@pytest.mark.parametrize("sides", [{}, {"validation": ""}, {"test": ""}, {"train": "126"}, {"test": "6"}], ids=str)
def test_a_split_whose_labels_train_has_is_fine(sides):
    check(**sides)


REFUSED = {
    "one label": (
        {"train": "1", "validation": "3", "test": ""},
        "the only label is 'arts'; a classifier needs at least",
    ),
    "no labels": (
        {"train": "6", "validation": "", "test": ""},
        "no row has a label; a classifier needs at least two",
    ),
    "no train": ({"train": ""}, "there is no row to train on: give --train_file, or a data set with a train split"),
    "a label of test alone": (
        {"test": "45"},
        "row '5' of test has the label 'tech', which no row of train has; train has arts, sport",
    ),
    "a label of validation alone": ({"validation": "5"}, "row '5' of validation has the label 'tech'"),
    "one of two labels": ({"test": "7"}, "row '7' of test has the label 'tech'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_split_that_cannot_be_learnt_from_is_refused(name):
    sides, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        check(**sides)
