"""YAML of words, numbers and lists: what would make an object, unfold, or never end is refused in a sentence."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.errors import InputError
from bbc_classifier.yaml_file import MOST_BYTES, read_yaml
from tests.fuzzing.mutations import TOKENS

REFUSED = {
    "a tag of Python's": ("a: !!python/object/apply:os.system ['ls']", "is not YAML of words and numbers"),
    "a name of Python's": ("a: !!python/name:os.system", "is not YAML of words and numbers"),
    "an alias": ("a: &x [1]\nb: *x", r"the alias '\*x'; write the value out"),
    "a circle": ("&x [*x]", "the alias"),
    "a merge": ("a: &x {b: 1}\nc:\n  <<: *x", "the alias"),
    "no date": ("a: 2001-99-99", "month must be in 1..12"),
    "a list for a name": ("? [1, 2]\n: 3", "found unhashable key"),
    "deep lists": ("a: " + "[" * 5000 + "]" * 5000, "is nested too deeply"),
    "endless digits": ("a: " + "9" * 5000, "Exceeds the limit"),
    "half a list": ("a: [1, 2", "is not YAML"),
    "two documents": ("a: 1\n---\nb: 2", "is not YAML"),
    "other bytes": (b"a: \xff", "codec can't decode byte 0xff"),
    "too much": ("a: " + "x" * MOST_BYTES, "is larger than 4 MiB, which no file of options is"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_plain_yaml_is_refused_with_its_place(case, tmp_path):
    content, message = REFUSED[case]
    file = tmp_path / "mine.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=rf"--config: '.*mine.yaml'.*{message}"):
        read_yaml(file, "--config")


def test_words_are_words_where_that_is_asked_for(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("\ufeffno: yes\n1: 2.50\n", encoding="utf-8")
    assert read_yaml(file, "--config") == {False: True, 1: 2.5}
    assert read_yaml(file, "--config", as_words=True) == {"no": "yes", "1": "2.50"}
    with pytest.raises(InputError, match=r"--config: cannot read '.*nowhere.yaml'"):
        read_yaml(tmp_path / "nowhere.yaml", "--config")


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.sampled_from([*TOKENS, b"a: ", b"\n", b"  ", b"x"]), max_size=12), words=st.booleans())
def test_any_bytes_are_read_or_refused(parts, words, tmp_path_factory):
    file = Path(tmp_path_factory.getbasetemp()) / "any.yaml"
    file.write_bytes(b"".join(parts))
    try:
        read_yaml(file, "--config", as_words=words)
    except InputError as error:
        assert str(error).startswith("--config: '")
