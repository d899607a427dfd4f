"""What a record must hold for a card: every place that is named is looked at, and no value in any place breaks it."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbc_classifier.errors import InputError
from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.record_shape import RECORD, refuse_other_record
from bbc_classifier.shapes import Shape, refuse_other_shape
from tests.fuzzing.mutations import OTHERS, places, with_value

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def named(shape: Shape, path: tuple = ()) -> list[tuple]:
    """Return the keys that lead to every single value that a shape names."""
    if isinstance(shape, dict):
        return [each for key, child in shape.items() if key is not str for each in named(child, (*path, key))]
    return [path]


def test_every_place_that_a_record_names_is_looked_at(record):
    refuse_other_shape("x", record, RECORD)
    for path in named(RECORD):
        if all(not key.endswith("?") for key in path):
            with pytest.raises(InputError, match=rf"{'.'.join(path)} is "):
                refuse_other_shape("x", with_value(record, path, object()), RECORD)
            lacking = copy.deepcopy(record)
            inner = lacking
            for key in path[:-1]:
                inner = inner[key]
            del inner[path[-1]]
            with pytest.raises(InputError, match=rf"{'.'.join(path)} is missing"):
                refuse_other_shape("x", lacking, RECORD)


@QUICK
@given(data=st.data())
def test_any_value_in_any_place_makes_a_card_or_is_refused_in_a_sentence(record, data):
    path = data.draw(st.sampled_from(list(places(record))))
    changed = with_value(record, path, copy.deepcopy(data.draw(st.sampled_from(OTHERS))))
    try:
        refuse_other_record("x", changed)
    except InputError as error:
        assert str(error).startswith("x is damaged: ") and len(str(error)) < 300
    else:
        assert model_card(changed, "ann/news", CardArguments()).startswith("---")


CONTRADICTIONS = {
    "two labels of one name": (("model", "labels"), ["sport", "sport"]),
    "no labels": (("model", "labels"), []),
    "classes of other labels": (("evaluation", "test", "per_class"), {}),
    "a ragged matrix": (("evaluation", "test", "confusion_matrix", "counts"), [[1], [1, 2]]),
    "a matrix of other labels": (("evaluation", "test", "confusion_matrix", "labels"), ["a", "b"]),
    "no accuracy": (("evaluation", "test", "metrics"), {"log_loss": 1, "expected_calibration_error": 0}),
    "a side of unknown length": (("data", "truncated_share"), {}),
    "steps without epochs": (("training", "epochs"), None),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_the_rest_is_refused(record, case):
    refuse_other_record("x", record)
    path, value = CONTRADICTIONS[case]
    with pytest.raises(InputError, match=r"^x is damaged: .* does not agree with the rest of it$"):
        refuse_other_record("x", with_value(record, path, value))
