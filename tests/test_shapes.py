"""What a JSON file must hold: every shape takes what we write, and says where a file holds something else."""

import json
from dataclasses import asdict

import pytest

from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.shapes import (
    COUNT,
    FILE_NAME,
    FLAG,
    HUB_ID,
    INTERVAL,
    NAME,
    NOTHING,
    NUMBER,
    OPTION,
    POSITIVE,
    SHA256,
    TEXT,
    WHOLE,
    WORD,
    one_of,
    refuse_other_shape,
    shape_of,
)

FITS = [
    (TEXT, ""),
    (NAME, "a"),
    (FLAG, False),
    (WHOLE, -7),
    (COUNT, 0),
    (POSITIVE, 1),
    (NUMBER, 1e-300),
    (NUMBER, 3),
    (INTERVAL, [0, 0.5]),
    (OPTION, {"a": [1, "x", None]}),
    (SHA256, "0f" * 32),
    (WORD, "ab12+changes"),
    (HUB_ID, "owner/name-1.0"),
    (one_of(["a", "b"]), "a"),
    (None, None),
    ((None, TEXT), None),
    ([COUNT], []),
    ([[COUNT]], [[1], []]),
    ({"a": TEXT, "b?": COUNT}, {"a": "x", "z": object()}),
    ({str: COUNT}, {"a": 1}),
    ({FILE_NAME: TEXT}, {"vocab.txt": "x", "a-b_c.2": "y"}),
    ({"a": TEXT, str: COUNT}, {"a": "x", "b": 2}),
]
MISFITS = [
    (TEXT, 7, "it is the number 7 where text is meant"),
    (NAME, " ", "it is ' ' where a name is meant"),
    (FLAG, 0, "it is the number 0 where true or false is meant"),
    (WHOLE, True, "it is true where a whole number is meant"),
    (WHOLE, 2**63, "it is a number out of all range where a whole number is meant"),
    (COUNT, -1, "it is the number -1 where a count is meant"),
    (POSITIVE, 0, "it is the number 0 where a count above 0 is meant"),
    (NUMBER, float("nan"), "it is a number out of all range where a number is meant"),
    (NUMBER, 1e300, "a number out of all range"),
    (INTERVAL, [1], "it is a list where a pair of numbers is meant"),
    (OPTION, [[[[[]]]]], "it is a list where a simple value is meant"),
    (SHA256, "F" * 64, "where a SHA-256 is meant"),
    (WORD, "a b", "it is 'a b' where a word is meant"),
    (HUB_ID, "a/b) <script>", "where a Hub id is meant"),
    (NOTHING, 1, "where nothing is meant"),
    (one_of(["a", "b"]), ["a"], "it is a list where one of a, b is meant"),
    (None, "x", "it is 'x' where null is meant"),
    ((None, COUNT), "x", "it is 'x' where null or a count is meant"),
    ([COUNT], {}, "it is an object where a list is meant"),
    ([[COUNT]], [[0], ["x"]], r"\[1\]\[0\] is 'x' where a count is meant"),
    ({"a": {"b": TEXT}}, {"a": {}}, "is damaged: a.b is missing"),
    ({"a": TEXT}, [], "it is a list where an object is meant"),
    ({"a?": TEXT}, {"a": None}, "a is null where text is meant"),
    ({"a": TEXT, str: NOTHING}, {"a": "x", "b": 1}, "b is the number 1 where nothing is meant"),
    ({FILE_NAME: TEXT}, {"../a": "x"}, "it has a key '../a' where the name of a file is meant"),
    ({"a": {FILE_NAME: TEXT}}, {"a": {"": "x"}}, "a has a key '' where the name of a file is meant"),
    ({FILE_NAME: TEXT}, {"a.json": 1}, "a.json is the number 1 where text is meant"),
]


@pytest.mark.parametrize(("shape", "value"), FITS)
def test_what_is_of_a_shape_passes(shape, value):
    refuse_other_shape("x", value, shape)


@pytest.mark.parametrize(("shape", "value", "message"), MISFITS)
def test_what_is_not_is_named_with_its_place(shape, value, message):
    with pytest.raises(InputError, match=f"^'f' is damaged: .*{message}|^'f' {message}"):
        refuse_other_shape("'f'", value, shape)


def test_the_options_of_a_dataclass_are_a_shape():
    shape = {"data": shape_of(DataArguments)}
    options = json.loads(json.dumps(asdict(DataArguments(label_map=["a=b"], max_train_samples=7))))
    refuse_other_shape("x", {"data": options}, shape)
    for name, value in {"label_map": "a=b", "max_length": 1.5, "folds": True, "unknown": None}.items():
        with pytest.raises(InputError, match=rf"data\.{name} is .* where .* is meant"):
            refuse_other_shape("x", {"data": {**options, name: value}}, shape)
