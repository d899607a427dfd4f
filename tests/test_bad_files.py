"""Files that cannot be read, through every command that reads one: the same sentence, and nothing left behind."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from tests.refusals import assert_refused

LINES = '{"text": "a goal", "label": "sport"}\n'


def parquet_of(column: pa.Array) -> bytes:
    buffer = io.BytesIO()
    arrow_parquet.write_table(pa.table({"text": column, "label": pa.nulls(len(column))}), buffer, compression="zstd")
    return buffer.getvalue()


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("news.csv", b"\0" * 10_000_000)
    return buffer.getvalue()


def parquet_bomb() -> bytes:
    """Return a text of a megabyte, four million times: 10 kB that unpack to four terabytes."""
    numbers = pa.repeat(pa.scalar(0, pa.int32()), 4_000_000)
    return parquet_of(pa.DictionaryArray.from_arrays(numbers, pa.array(["x" * 1_000_000])))


# The file, what it holds, and what is said of it.
FILES: dict[str, tuple[str, bytes | Callable[[], bytes], str]] = {
    "empty": ("mine.csv", b"", "'mine.csv' is empty"),
    "only the names of columns": ("mine.csv", b"text,label\n", "'mine.csv' holds no row"),
    "only blank lines": ("mine.csv", b"\n\n", "'mine.csv' holds no row; the first one names the columns"),
    "Latin-1": (
        "mine.csv",
        "text,label\na goal,sport\ncafé,sport\n".encode("latin-1"),
        r"'mine.csv', line 3: byte 0xE9 at byte 27 is not UTF-8; convert the file \(no other encoding is tried\)",
    ),
    "UTF-16": (
        "mine.csv",
        "text,label\na goal,sport\n".encode("utf-16"),
        r"'mine.csv' is UTF-16 \(byte order mark at byte 0\), not UTF-8; convert it",
    ),
    "UTF-16 without a mark": (
        "mine.tsv",
        "text\tlabel\n".encode("utf-16-le"),
        "'mine.tsv', line 1: NUL byte at byte 1;",
    ),
    "NUL": (
        "mine.jsonl",
        LINES.encode() + b'{"text": "a\0"}',
        "'mine.jsonl', line 2: NUL byte at byte 48; a text file",
    ),
    "ragged rows": (
        "mine.csv",
        b"text,label\na goal,sport\nshares, and more,business\n",
        "'mine.csv', row 2: 3 cells where the header has 2 .column separator ','; quote cells that hold it.",
    ),
    "an open quotation mark": (
        "mine.csv",
        b'label,text\nsport,a goal\nbusiness,"shares fell\nsport,a match\n',
        "'mine.csv', row 2: a quotation mark is never closed",
    ),
    "an open quotation mark before 70 MB": (
        "mine.csv",
        lambda: b'label,text\nsport,"a goal\n' + b"sport,a match\n" * 5_000_000,
        "'mine.csv', row 1: a cell is longer than 64 Mi characters .a quotation mark that is never closed",
    ),
    "a name of two columns": (
        "mine.csv",
        b"text,label,text\na,b,c\n",
        "'mine.csv': 2 columns have the name 'text'; each",
    ),
    "a key twice": (
        "mine.jsonl",
        LINES.encode() + b'{"text": "a", "text": "b"}\n',
        "'mine.jsonl', line 2: the key 'text' is there twice; each needs a name of its own",
    ),
    "no JSON": (
        "mine.jsonl",
        LINES.encode() + b"{'text': 'a'}\n",
        "'mine.jsonl', line 2: not JSON: Expecting property name enclosed in double quotes at column 2",
    ),
    "half a line": (
        "mine.jsonl",
        LINES.encode() * 3 + b'{"text": "a',
        "'mine.jsonl', line 4: not JSON: Unterminated string",
    ),
    "an object": (
        "mine.json",
        b'{"text": ["a"]}',
        "'mine.json' must hold a list of objects, not an object; one object a line is .jsonl",
    ),
    "a list of texts": ("mine.json", b'["a goal"]', "'mine.json', row 1: text where an object with a text is meant"),
    "text and numbers": (
        "mine.jsonl",
        LINES.encode() + b'{"text": 7, "label": "sport"}\n',
        r"'mine.jsonl', column 'text': one kind of value is meant, not text \(row 1\) and a whole number \(row 2\)",
    ),
    "half a character": (
        "mine.jsonl",
        LINES.encode() + b'{"text": "\\ud83d", "label": "sport"}\n',
        r"'mine.jsonl', row 2, column 'text': the text holds half a character \(a lone surrogate\)",
    ),
    "numbers for texts": (
        "mine.jsonl",
        b'{"text": 7, "label": "sport"}\n',
        "'mine.jsonl', column 'text': holds int64, not",
    ),
    "a zip": (
        "mine.parquet",
        zip_bomb,
        r"'mine.parquet' is not a Parquet file: it begins with b'PK\\x03\\x04', not b'PAR1'",
    ),
    "ten kilobytes that unpack to terabytes": (
        "mine.parquet",
        parquet_bomb,
        "'mine.parquet' takes at least .* GiB once unpacked; half of the free memory .* is the limit: split the file",
    ),
    "half a Parquet file": (
        "mine.parquet",
        lambda: parquet_of(pa.array(["a goal"] * 1000))[:-100],
        "'mine.parquet' is a damaged Parquet file: Parquet magic bytes not found",
    ),
    "a Parquet file without rows": (
        "mine.parquet",
        lambda: parquet_of(pa.array([], pa.string())),
        "'mine.parquet' holds no row",
    ),
    "a document": (
        "./mine.docx",
        b"PK",
        r"'mine.docx': the ending '.docx' is none of .csv, .tsv, .json, .jsonl, .parquet, .txt",
    ),
}


@pytest.fixture
def argv(unreadable_encoder, tiny_classifier_folder, tmp_path, monkeypatch):
    """Work in an empty folder; return the arguments of a command that reads a file there."""
    monkeypatch.chdir(tmp_path)

    def arguments(command: str, file: str) -> list[str]:
        return {
            "train": ["train", "--encoder", unreadable_encoder, "--dataset", file],
            "audit": ["audit", "--dataset", file],
            "evaluate": ["evaluate", "--model", tiny_classifier_folder, "--dataset", file],
            "predict": ["predict", "--model", tiny_classifier_folder, "--input", file, "--output", "out.csv"],
        }[command]

    return arguments


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_refused_by_every_command_alike(name, argv, capsys):
    file, content, message = FILES[name]
    Path(file).write_bytes(content if isinstance(content, bytes) else content())
    for command in ("train", "audit", "evaluate", "predict"):
        assert_refused(argv(command, file), message, capsys)


@pytest.mark.parametrize("command", ["train", "audit", "evaluate", "predict"])
def test_a_file_that_is_not_there_or_a_folder_is_refused(command, argv, capsys):
    assert_refused(argv(command, "nowhere.csv"), "there is no file 'nowhere.csv'", capsys)
    Path("folder.csv").mkdir()
    message = "'folder.csv' (is a folder where a file is meant|is a folder or a pattern|holds neither a file of rows)"
    assert_refused(argv(command, "folder.csv"), message, capsys)


def test_a_file_is_no_folder(argv, capsys):
    Path("mine.csv").write_text("text,label\na goal,sport\n")
    assert_refused(argv("train", "mine.csv/*.csv"), "--dataset: no file matches 'mine.csv/.*'", capsys)
    assert_refused(argv("train", "mine.csv/news.csv"), "--dataset: there is no file 'mine.csv/news.csv'", capsys)


def test_only_data_that_can_be_trained_on_get_as_far_as_the_encoder(argv, capsys):
    rows = "".join(f"text {label} {number},{label}\n" for label in ("arts", "sport") for number in range(9))
    Path("mine.csv").write_text(f"text,label\n{rows}")
    assert_refused([*argv("train", "mine.csv"), "--max_length", "24"], "cannot be loaded", capsys)
