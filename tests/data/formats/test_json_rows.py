"""JSON and JSON Lines: a row per object, and what is wrong with one is named by line or row."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.formats.read import read_table
from bbc_classifier.errors import InputError

QUICK = settings(max_examples=40, deadline=None)


@pytest.fixture
def read(tmp_path):
    """Return a reader of content as a file of that ending."""

    def read_content(ending: str, content: str) -> pa.Table:
        path = tmp_path / f"mine.{ending}"
        path.write_bytes(content.encode())
        return read_table(path)

    return read_content


def test_a_list_of_objects_and_an_object_a_line_are_the_same_table(read):
    rows = [{"text": "goal", "label": "sport"}, {"text": "film\nand music", "label": "arts"}]
    lines = "\n".join(map(json.dumps, rows))
    for table in (read("json", json.dumps(rows)), read("json", json.dumps(rows, indent=2)), read("jsonl", lines)):
        assert table.to_pylist() == rows


def test_marks_of_byte_order_blank_lines_and_line_ends_of_windows_are_no_rows(read):
    assert read("jsonl", '\ufeff{"text": "a"}\r\n\r\n  \n{"text": "b"}').to_pylist() == [{"text": "a"}, {"text": "b"}]
    assert read("json", '\ufeff\n[{"text": "a"}]\n').to_pylist() == [{"text": "a"}]


def test_only_a_line_feed_ends_a_line(read):
    assert read("jsonl", '{"text": "a\u2028b\x85c"}\n').to_pylist() == [{"text": "a\u2028b\x85c"}]


def test_a_key_that_an_object_lacks_is_null_there(read):
    table = read("jsonl", '{"text": "a"}\n{"label": 1, "text": "b"}\n{}\n')
    assert table.to_pylist() == [{"text": "a", "label": None}, {"text": "b", "label": 1}, {"text": None, "label": None}]


def test_kinds_are_kept(read):
    table = read("jsonl", '{"a": 1, "b": 1.5, "c": true, "d": ["x"], "e": {"f": 1}, "g": null}\n')
    kinds = [pa.int64(), pa.float64(), pa.bool_(), pa.list_(pa.string()), pa.struct([("f", pa.int64())]), pa.null()]
    assert table.schema.types == kinds


BAD_LINES = {
    "a line that is cut off": ('{"text": "a"}\n{"text": "b"', "line 2: not JSON: Expecting ',' delimiter at column 13"),
    "single quotes": (
        "{'text': 'a'}",
        "line 1: not JSON: Expecting property name enclosed in double quotes at column 2",
    ),
    "a list in a line": ('{"text": "a"}\n\n["b"]', "line 3: a list where an object with a text is meant"),
    "null": ("null", "line 1: null where an object with a text is meant"),
    "a key twice": (
        '{"text": "a", "text": "b"}',
        "line 1: the key 'text' is there twice; each needs a name of its own",
    ),
    "text and numbers": (
        '{"text": "a"}\n{"text": null}\n{"text": 3}',
        r"column 'text': one kind of value is meant, not text \(row 1\) and a whole number \(row 3\)",
    ),
    "true and a number": (
        '{"label": true}\n{"label": 1}',
        r"column 'label': one kind of value is meant, not true or false \(row 1\) and a whole number \(row 2\)",
    ),
    "objects that differ inside": (
        '{"text": {"a": 1}}\n{"text": {"a": "b"}}',
        r"column 'text': one kind of value is meant, not a mix inside an object",
    ),
    "half a character": ('{"text": "a"}\n{"text": "\\ud83d"}', "row 2, column 'text': the text holds half a character"),
    "half a character in a key": ('{"te\\ud83dxt": "a"}', "line 1: the key .* holds half a character"),
    "a huge number": ('{"label": 9223372036854775808}', "row 1, column 'label': a number has too many digits"),
    "a number of 5,000 digits": (f'{{"label": {"9" * 5000}}}', "line 1: a number has too many digits to be read"),
    "depth": ('{"text": ' + "[" * 100_000, "line 1: nested too deeply"),
    "no keys at all": ("{}\n{}", "holds no row"),
    "blank lines": ("\n \n", "holds no row"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_broken_line_is_named(name, read):
    content, message = BAD_LINES[name]
    with pytest.raises(InputError, match=message):
        read("jsonl", content)


BAD_LISTS = {
    "an object": ('{"text": ["a"]}', "must hold a list of objects, not an object; one object a line is .jsonl"),
    "a text": ('"text"', "must hold a list of objects, not text"),
    "null": ("null", "must hold a list of objects, not null"),
    "numbers": ('[{"text": "a"}, 3]', "row 2: a whole number where an object with a text is meant"),
    "one object a line": ('{"text": "a"}\n{"text": "b"}', "not JSON: Extra data at line 2, column 1"),
    "spaces": ("  ", "not JSON: Expecting value at line 1, column 3"),
    "a list that is cut off": ('[\n{"text": "a"},\n', "not JSON: .* at line "),
    "a key twice": ('[{"text": "a", "text": "b"}]', "the key 'text' is there twice"),
    "an empty list": ("[]", "holds no row"),
    "depth": ("[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_what_is_no_list_of_objects_is_refused(name, read):
    content, message = BAD_LISTS[name]
    with pytest.raises(InputError, match=message):
        read("json", content)


def test_objects_whose_keys_are_ids_are_stopped_before_they_fill_the_memory(read):
    lines = "".join(f'{{"id{number}": "a"}}\n' for number in range(20_000))
    with pytest.raises(InputError, match="line 1001: more than 1,000 different keys so far"):
        read("jsonl", lines)


@QUICK
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=5),
    escaped=st.booleans(),
)
def test_every_text_comes_back_as_it_was(texts, escaped, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "mine.jsonl"
    lines = [json.dumps({"text": text}, ensure_ascii=escaped or "\0" in text) for text in texts]
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    assert read_table(path)["text"].to_pylist() == texts
