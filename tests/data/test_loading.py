"""Files, directories, saved and in-memory data sets to splits."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import DataArguments
from bbc_classifier.data.loading import labels_to_array, load_data, load_splits, read_rows
from bbc_classifier.data.sources import read_table
from bbc_classifier.errors import UserError

Rows = list[tuple[str, str]]


def story(label: str, number: int) -> str:
    return " ".join(f"{label}{number}word{place}" for place in range(12))


def stories(*labels: str, each: int = 8, start: int = 0) -> Rows:
    return [(story(label, number), label) for number in range(start, start + each) for label in labels]


def write(path: Path, rows: Rows) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=["text", "label"])
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix in (".json", ".jsonl"):
        frame.to_json(path, orient="records", lines=path.suffix == ".jsonl")
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return str(path)


def load(in_memory=None, /, split=None, **options):
    return load_splits(DataArguments(**options), in_memory, split)


def rows_of(loaded, split: str) -> set[tuple[str, str]]:
    table = loaded.dataset[split]
    return {(row["text"], loaded.label_names[row["label"]]) for row in table}


ALL = stories("arts", "sport")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_every_format_gives_the_same_splits(tmp_path, suffix):
    path = write(tmp_path / f"news.{suffix}", ALL)
    loaded, expected = load(dataset=path), load(pd.DataFrame(ALL, columns=["text", "label"]))
    for split in ("train", "validation", "test"):
        assert rows_of(loaded, split) == rows_of(expected, split)
    assert loaded.info["columns"] == {"text": ["text"], "label": ["label"]}


# File, content, options of `read_table`, and the rows or the error.
TABLES = [
    ("a.csv", '\ufefftext,label\n"one, ""two""\nthree",sport\n', {}, [['one, "two"\nthree', "sport"]]),
    ("a.csv", "text;label\na,b;c\n", {"delimiter": ";"}, [["a,b", "c"]]),
    ("a.csv", "text\tlabel\na,b\tc\n", {"delimiter": "\\t"}, [["a,b", "c"]]),
    ("أخبار 📰.csv", "النص,新闻\nค่ำ नमस्ते,👩‍👩‍👧\n", {}, [["ค่ำ नमस्ते", "👩‍👩‍👧"]]),
    ("a.csv", "sep=;\ntext;label\na,b;c\n", {}, [["a,b", "c"]]),
    ("a.csv", ",text,label,,\n0,a,b,,\n", {}, [["a", "b"]]),
    ("a.tsv", 'text\tlabel\n"Hi, he said\tsport\n', {"quoting": "none"}, [['"Hi, he said', "sport"]]),
    ("a.csv", "text,label\n\nNA,null\n\n", {}, [["NA", "null"]]),
    ("a.json", '{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n', {}, [["a", 1], ["b", 2]]),
    ("a.txt", "one\n\ntwo\n", {}, [["one"], [""], ["two"]]),
    ("a.csv", "text,label\n", {}, "holds no row"),
    ("a.csv", "text,label\na,b,c\n", {}, "Expected 2 fields in line 2, saw 3"),
    ("a.csv", 'text,label\n"a,b\nc,d\n', {}, "--quoting"),
    ("a.csv", "text;label\na;b\n", {}, "--delimiter ';'"),
    ("a.csv", "text,label,text\na,b,c\n", {}, "'text'"),
    ("a.jsonl", '{"text": "a"}\n{"text":\n', {}, "line 2"),
    ("a.jsonl", '{"text": "a"}\n3\n', {}, "object per line"),
    ("a.jsonl", '{"text": "a"}\n{"text": "\\ud83d"}\n', {}, "line 2: surrogates"),
    ("a.parquet", "text", {}, "a.parquet"),
    ("a.docx", "text", {}, "docx"),
]


@pytest.mark.parametrize(("file", "content", "options", "expected"), TABLES)
def test_read_table(tmp_path, file, content, options, expected):
    (tmp_path / file).write_text(content, encoding="utf-8")
    if isinstance(expected, list):
        assert read_table(tmp_path / file, **options).values.tolist() == expected
    else:
        with pytest.raises(UserError, match=expected):
            read_table(tmp_path / file, **options)


def test_encodings(tmp_path):
    path = tmp_path / "a.csv"
    for encoding in ("cp1252", "utf-16"):
        path.write_bytes("text,label\nFußball in Köln,sport\n".encode(encoding))
        assert read_table(path, encoding=encoding)["text"].tolist() == ["Fußball in Köln"]
        with pytest.raises(UserError, match=rf"a.csv.*--encoding {encoding}"):
            read_table(path)


def test_class_names_of_parquet_and_saved_splits(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["world", "arts"])})
    table = Dataset.from_dict({"text": [story("x", n) for n in range(20)], "label": [0, 1] * 10}, features=features)
    table.to_parquet(tmp_path / "a.parquet")
    assert set(read_table(tmp_path / "a.parquet")["label"]) == {"world", "arts"}
    DatasetDict(train=table, test=table.select(range(4))).save_to_disk(tmp_path / "splits")
    loaded = load(dataset=str(tmp_path / "splits"))
    assert loaded.dataset["test"].num_rows == 4 and loaded.info["leakage"]["test"] == 4


FILES = ["train.csv dev.csv test.csv", "train/0.jsonl valid/0.jsonl Test/0.jsonl"]


@pytest.mark.parametrize("files", [*FILES, "a-train-00000-of-00002.tsv a-eval.tsv a-test.tsv"])
def test_files_named_for_splits_are_predefined_splits(tmp_path, files):
    for number, name in enumerate(files := files.split()):
        write(tmp_path / "news" / name, stories("arts", "sport", each=5 - number, start=5 * number))
    for dataset in (tmp_path / "news", f"{tmp_path}/news/**/*.*"):
        loaded = load(dataset=str(dataset))
        assert loaded.info["split_sizes"] == {"train": 10, "validation": 8, "test": 6}
    # A file that is named alone is split like any other.
    assert not load(dataset=str(tmp_path / "news" / files[0])).info["predefined_split"]
    write(tmp_path / "news" / "more.csv", ALL)
    with pytest.raises(UserError, match=r"more.csv.*--train_file"):
        load(dataset=str(tmp_path / "news"))


def test_split_files_and_globs(tmp_path):
    for number in range(2):
        train = write(tmp_path / f"part{number}.csv", stories("arts", "sport", each=5, start=5 * number))
    test = write(tmp_path / "held.csv", stories("arts", "sport", each=3, start=20))
    loaded = load(train_file=str(tmp_path / "part*.csv"), test_file=test)
    assert rows_of(loaded, "test") == set(stories("arts", "sport", each=3, start=20))
    assert loaded.info["split_sizes"]["train"] + loaded.info["split_sizes"]["validation"] == 20
    for options in ({"train_file": "nowhere.csv"}, {"train_file": train, "dataset": test}):
        with pytest.raises(UserError, match="--train_file"):
            load(**options)


def test_class_directories(tmp_path, caplog):
    for number, (text, label) in enumerate(ALL):
        (tmp_path / "news" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "news" / label / f"{number}.TXT").write_text(f"\ufeff{text}\n", encoding="utf-8")
    (tmp_path / "news" / "readme.md").write_text("x")
    (tmp_path / "news" / "arts" / ".hidden.txt").write_text("x")
    loaded = load(dataset=str(tmp_path / "news"), label_map={"arts": "SPORT"})
    assert loaded.label_names == ["SPORT", "sport"] and sum(loaded.info["split_sizes"].values()) == 16
    assert "--label_map SPORT=sport" in caplog.text
    assert "sport/1.TXT" in {row_id for table in loaded.dataset.values() for row_id in table["row_id"]}
    (tmp_path / "news").rename(tmp_path / "train")
    (tmp_path / "test" / "arts").mkdir(parents=True)
    (tmp_path / "test" / "arts" / "a.txt").write_text("Köln", encoding="utf-8")
    loaded = load(dataset=str(tmp_path))
    assert loaded.dataset["test"]["row_id"][:] == ["test/arts/a.txt"]


def test_data_in_memory_of_every_kind():
    texts, labels = (list(column) for column in zip(*ALL, strict=True))
    frame = pd.DataFrame({"text": texts, "label": labels})
    expected = load(frame)
    classes, arrays = ClassLabel(names=["arts", "sport"]), (np.array(texts), pd.Series(labels, index=range(5, 21)))
    numbered = Dataset.from_dict({"text": texts, "label": classes.str2int(labels)}).cast_column("label", classes)
    for dataset in (arrays, Dataset.from_pandas(frame), numbered):
        assert load(dataset).info["split_fingerprint"] == expected.info["split_fingerprint"]
    # What `load_data` returns can be given back; ids and splits stay.
    first = load_data(frame.rename(columns={"text": "body"}), text_column="body")
    assert load(first).dataset["test"]["row_id"][:] == expected.dataset["test"]["row_id"][:]
    splits = load({"train": frame, "dev": frame[:4], "unsupervised": frame}).info["split_sizes"]
    assert splits["validation"] == 4 and sum(splits.values()) == 20
    for wrong in (["a", "b"], (["a"], ["x", "y"]), {"one": frame, "two": frame}):
        with pytest.raises(UserError):
            load(wrong)


def test_duplicates_and_rare_labels_are_dropped_and_conflicts_counted(tmp_path, caplog):
    rows = [*ALL, (story("arts", 0).upper(), "arts"), (story("arts", 1), "sport"), ("only one", "rare")]
    path = write(tmp_path / "a.csv", rows)
    with pytest.raises(UserError, match=r"'rare'.*--min_label_rows 2"):
        load(dataset=path)
    loaded = load(dataset=path, min_label_rows=2)
    info = loaded.info
    assert loaded.label_names == ["arts", "sport"] and info["rare_labels_dropped"] == {"rare": 1}
    assert (info["num_rows"], info["num_unique_texts"], info["exact_duplicates_dropped"]) == (19, 16, 1)
    assert info["conflicting_labels"] == 1 and sum(info["split_sizes"].values()) == 17
    for warning in ("different labels", "only 2 test rows", "'rare' (1)"):
        assert warning in caplog.text


def test_leakage_between_predefined_splits_is_counted_and_dropped(tmp_path, caplog):
    write(tmp_path / "train.csv", ALL)
    write(tmp_path / "test.csv", [*stories("arts", "sport", each=2), *stories("arts", "sport", each=3, start=20)])
    info = load(dataset=str(tmp_path)).info
    assert info["leakage"]["test"] == 4 and "--drop_leaked_rows" in caplog.text
    loaded = load(dataset=str(tmp_path), drop_leaked_rows=True)
    assert loaded.info["leakage"]["test"] == 0 and loaded.info["leaked_rows_dropped"] == 4
    assert loaded.info["split_sizes"]["test"] == 10


def test_invalid_rows_are_read_refused_or_dropped(tmp_path):
    path = write(tmp_path / "a.csv", [("", "arts"), *ALL, (story("arts", 99), ""), ("None", "arts")])
    raw = read_rows(DataArguments(dataset=path))
    assert len(raw.frame) == 19 and raw.label_names == ["arts", "sport"]
    assert raw.frame["text"][0] is None and raw.frame["label"][17] is None and raw.frame["label"][0] == ("arts",)
    with pytest.raises(UserError, match=r"a.csv: row 'a.csv:1' has no text .*; 3 of 19 .*--drop_invalid_rows"):
        load(dataset=path)
    loaded = load(dataset=path, drop_invalid_rows=True)
    assert loaded.info["invalid_rows_dropped"] == 3 and sum(loaded.info["split_sizes"].values()) == 16
    ids = {row_id for table in loaded.dataset.values() for row_id in table["row_id"]}
    assert ids == {f"a.csv:{number}" for number in range(2, 18)}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_words_such_as_none_are_texts_in_typed_formats(tmp_path, suffix):
    rows = [*ALL, ("None", "arts"), ("null", "sport"), (None, "arts"), ("x", float("nan"))]
    path = tmp_path / f"a.{suffix}"
    write(path, rows)
    if suffix == "jsonl":  # with NaN, as Python writes it
        path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in rows))
    loaded = load(dataset=str(path), drop_invalid_rows=True)
    assert loaded.info["invalid_rows_dropped"] == 2
    assert {"None", "null"} < {text for table in loaded.dataset.values() for text in table["text"]}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_whole_numbers_are_the_same_labels_in_every_format(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", [(story("x", number), float(number % 2)) for number in range(20)])
    assert load(dataset=path, label_map=["0=arts", "1=sport"]).label_names == ["arts", "sport"]


def test_multi_label(tmp_path):
    rows = [(story("x", number), ["a", "b", "a;b", ""][number % 4]) for number in range(40)]
    loaded = load(dataset=write(tmp_path / "a.csv", rows), label_separator=";")
    assert loaded.multi_label and loaded.label_names == ["a", "b"]
    assert loaded.dataset["train"].features["label"] == List(ClassLabel(names=["a", "b"]))
    texts, labels = [text for text, _ in rows], [[name for name in names.split(";") if name] for _, names in rows]
    columns = {"text": texts, **{name: [int(name in row) for row in labels] for name in "ab"}}
    indicators = load(pd.DataFrame(columns), label_column=["a", "b"])
    lists = load((texts, labels))
    assert indicators.info["label_counts"] == lists.info["label_counts"] == loaded.info["label_counts"]
    assert indicators.info["split_fingerprint"] == lists.info["split_fingerprint"]
    with pytest.raises(UserError, match="--label_separator"):
        load((["a", "b"], [["x"], "y"]))
    with pytest.raises(UserError, match="both text and label"):
        load(pd.DataFrame({"label": ["a", "b"]}))


def test_rows_to_evaluate(tmp_path):
    write(tmp_path / "news" / "train.csv", ALL)
    write(tmp_path / "news" / "test.csv", stories("arts", each=2, start=30))
    for split, size in {"auto": 2, "test": 2, "all": 18}.items():
        assert load(dataset=str(tmp_path / "news"), split=split).dataset["test"].num_rows == size
    whole = write(tmp_path / "whole.csv", ALL)
    assert rows_of(load(dataset=whole, split="test"), "test") == rows_of(load(dataset=whole), "test")
    for options, size in (({"max_eval_samples": 4}, 4), ({}, 16)):
        assert load(dataset=whole, split="auto", **options).dataset["test"].num_rows == size


def test_labels_to_array():
    assert labels_to_array([0, 1, 0], ["b", "a"], ["a", "b", "c"]).tolist() == [1, 0, 1]
    array = labels_to_array([[0, 1], []], ["b", "a"], ["a", "b", "c"])
    assert array.dtype == bool and array.tolist() == [[True, True, False], [False, False, False]]
    with pytest.raises(UserError, match="'b'"):
        labels_to_array([0, 1], ["a", "b"], ["a"])
