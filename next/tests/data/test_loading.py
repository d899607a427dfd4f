"""Files, directories, saved and in-memory data sets to splits."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import DataArguments
from bbc_classifier.data.duplicates import text_hash
from bbc_classifier.data.loading import (
    labels_to_array,
    load_data,
    load_splits,
    read_rows,
    read_table,
    short_names,
)
from bbc_classifier.errors import UserError

Rows = list[tuple[str, str]]


def story(label: str, number: int) -> str:
    return " ".join(f"{label}{number}word{place}" for place in range(12))


def stories(*labels: str, each: int = 8, start: int = 0) -> Rows:
    return [(story(label, number), label) for number in range(start, start + each) for label in labels]


def write(path: Path, rows: Rows, fields: tuple[str, str] = ("text", "label")) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=list(fields))
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
    assert sorted(row_id for table in loaded.dataset.values() for row_id in table["row_id"]) == sorted(
        f"news.{suffix}:{number}" for number in range(1, 17)
    )
    assert loaded.info["name"] == f"news.{suffix}"
    assert loaded.info["columns"] == {"text": ["text"], "label": ["label"]}


TABLES = {
    "quotes": ("a.csv", '\ufefftext,label\n"one, ""two""\nthree",sport\n', {}, [['one, "two"\nthree', "sport"]]),
    "delimiter": ("a.csv", "text;label\na,b;c\n", {"delimiter": ";"}, [["a,b", "c"]]),
    "tab": ("a.csv", "text\tlabel\na,b\tc\n", {"delimiter": "\\t"}, [["a,b", "c"]]),
    "sep line": ("a.csv", "sep=;\ntext;label\na,b;c\n", {}, [["a,b", "c"]]),
    "unnamed columns": ("a.csv", ",text,label,,\n0,a,b,,\n", {}, [["a", "b"]]),
    "no quoting": ("a.tsv", 'text\tlabel\n"Hi, he said\tsport\n', {"quoting": "none"}, [['"Hi, he said', "sport"]]),
    "blank lines": ("a.csv", "text,label\n\na,b\n\n", {}, [["a", "b"]]),
    "words": ("a.csv", "text,label\nNA,null\n", {}, [["NA", "null"]]),
    "lines of JSON": ("a.json", '{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n', {}, [["a", 1], ["b", 2]]),
    "lines of text": ("a.txt", "one\n\ntwo\n", {}, [["one"], [""], ["two"]]),
}


@pytest.mark.parametrize("name", TABLES)
def test_read_table(tmp_path, name):
    file, content, options, expected = TABLES[name]
    (tmp_path / file).write_text(content, encoding="utf-8")
    assert read_table(tmp_path / file, **options).values.tolist() == expected


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_another_encoding_is_read_when_named(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nFußball in Köln,sport\n".encode(encoding))
    assert read_table(path, encoding=encoding)["text"].tolist() == ["Fußball in Köln"]
    with pytest.raises(UserError, match=rf"a.csv.*--encoding {encoding}"):
        read_table(path)


BAD_TABLES = {
    "nothing": ("a.csv", "", "a.csv"),
    "header only": ("a.csv", "text,label\n", "holds no row"),
    "more cells than names": ("a.csv", "text,label\na,b,c\n", "Expected 2 fields in line 2, saw 3"),
    "an open quotation mark": ("a.csv", 'text,label\n"a,b\nc,d\n', "--quoting"),
    "another delimiter": ("a.csv", "text;label\na;b\n", "--delimiter ';'"),
    "a repeated name": ("a.csv", "text,label,text\na,b,c\n", "'text'"),
    "broken JSON": ("a.jsonl", '{"text": "a"}\n{"text":\n', "a.jsonl"),
    "not an object": ("a.jsonl", '{"text": "a"}\n3\n', "line 2"),
    "not Parquet": ("a.parquet", "text", "a.parquet"),
    "another format": ("a.docx", "text", "docx"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_tables_that_cannot_be_read(tmp_path, name):
    file, content, message = BAD_TABLES[name]
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / file)


def test_unknown_encodings_and_missing_files(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    with pytest.raises(UserError, match="--encoding"):
        read_table(tmp_path / "a.csv", encoding="latin-99")
    with pytest.raises(UserError, match="there is no file"):
        read_table(tmp_path / "b.csv")


def test_excel(tmp_path, monkeypatch):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UserError, match="pip install openpyxl"):
        read_table(path)
    monkeypatch.undo()
    pytest.importorskip("openpyxl")
    with pytest.raises(UserError, match=r"a.xlsx"):
        read_table(path)
    pd.DataFrame({"text": ["Köln", None], "label": [0, 1], "": [1, 2]}).to_excel(path, index=False)
    frame = read_table(path)
    assert frame["label"].tolist() == ["0", "1"] and list(frame) == ["text", "label"]


def test_class_names_of_parquet_and_saved_data_sets(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["world", "arts"])})
    texts = [story("x", number) for number in range(20)]
    table = Dataset.from_dict({"text": texts, "label": [0, 1] * 10}, features=features)
    table.to_parquet(tmp_path / "a.parquet")
    assert set(read_table(tmp_path / "a.parquet")["label"]) == {"world", "arts"}
    table.save_to_disk(tmp_path / "saved")
    loaded = load(dataset=str(tmp_path / "saved"))
    assert loaded.label_names == ["arts", "world"] and loaded.info["name"] == "saved"
    DatasetDict(train=table, test=table.select(range(4))).save_to_disk(tmp_path / "splits")
    loaded = load(dataset=str(tmp_path / "splits"))
    assert loaded.dataset["test"].num_rows == 4 and loaded.info["leakage"]["test"] == 4


@pytest.mark.parametrize(
    "files",
    [
        {"train.csv": 10, "dev.csv": 3, "test.csv": 4},
        {"train/0.parquet": 5, "train/1.parquet": 5, "valid/0.parquet": 3, "test/0.parquet": 4},
    ],
)
def test_files_named_for_splits_are_predefined_splits(tmp_path, files):
    start, sizes = 0, dict.fromkeys(("train", "validation", "test"), 0)
    for name, each in files.items():
        write(tmp_path / "news" / name, stories("arts", "sport", each=each, start=start))
        split = "train" if "train" in name else "test" if "test" in name else "validation"
        start, sizes[split] = start + each, sizes[split] + 2 * each
    for dataset in (tmp_path / "news", f"{tmp_path}/news/**/*.*"):
        loaded = load(dataset=str(dataset))
        assert loaded.info["split_sizes"] == sizes and loaded.info["predefined_split"]
    # A file that is named alone is split like any other.
    name = next(iter(files))
    assert not load(dataset=str(tmp_path / "news" / name)).info["predefined_split"]


def test_files_that_are_not_all_named_for_splits(tmp_path):
    for name in ("train.csv", "more.csv"):
        write(tmp_path / name, ALL)
    with pytest.raises(UserError, match=r"more.csv.*--train_file"):
        load(dataset=str(tmp_path))


def test_split_files_and_globs(tmp_path):
    train = [write(tmp_path / f"part{n}.csv", stories("arts", "sport", each=5, start=5 * n)) for n in range(2)]
    test = write(tmp_path / "held.csv", stories("arts", "sport", each=3, start=20))
    loaded = load(train_file=str(tmp_path / "part*.csv"), test_file=test)
    assert rows_of(loaded, "test") == set(stories("arts", "sport", each=3, start=20))
    assert loaded.info["split_sizes"]["train"] + loaded.info["split_sizes"]["validation"] == 20
    assert [file["split"] for file in loaded.info["files"]] == ["train", "train", "test"]
    for options, message in [
        ({"train_file": train[0], "test_file": train[0]}, "two splits"),
        ({"train_file": "nowhere.csv"}, "--train_file: there is no file"),
        ({"train_file": train[0], "dataset": test}, "exclude each other"),
        ({"dataset": train[0], "dataset_config": "en"}, "--dataset_config"),
    ]:
        with pytest.raises(UserError, match=message):
            load(**options)


def test_short_names(tmp_path):
    paths = [tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv"]
    assert short_names(paths) == ["a/x.csv", "b/x.csv"] and short_names(paths[:1]) == ["x.csv"]


def test_the_identity_changes_with_the_content_only(tmp_path):
    one = write(tmp_path / "one" / "a.csv", ALL)
    other = write(tmp_path / "other" / "a.csv", ALL)
    identity = load(dataset=one).info["identity"]
    assert identity == load(dataset=other).info["identity"]
    write(tmp_path / "one" / "a.csv", ALL[:-2])
    assert identity != load(dataset=one).info["identity"]
    assert load((["a", "b"] * 9, ["x", "y"] * 9), split="all").info["identity"]


def test_class_directories(tmp_path, caplog):
    for number, (text, label) in enumerate(ALL):
        (tmp_path / "news" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "news" / label / f"{number}.TXT").write_text(f"\ufeff{text}\n", encoding="utf-8")
    (tmp_path / "news" / "readme.md").write_text("x")
    (tmp_path / "news" / "arts" / ".hidden.txt").write_text("x")
    loaded = load(dataset=str(tmp_path / "news"), label_map={"arts": "culture"})
    assert loaded.label_names == ["culture", "sport"] and sum(loaded.info["split_sizes"].values()) == 16
    assert "sport/1.TXT" in {row_id for table in loaded.dataset.values() for row_id in table["row_id"]}
    assert "ignored 1 files" in caplog.text
    (tmp_path / "news").rename(tmp_path / "train")
    (tmp_path / "test" / "arts").mkdir(parents=True)
    (tmp_path / "test" / "arts" / "a.txt").write_text("Köln", encoding="cp1252")
    with pytest.raises(UserError, match="--encoding"):
        load(dataset=str(tmp_path))
    (tmp_path / "test" / "arts" / "a.txt").write_text("Köln", encoding="utf-8")
    loaded = load(dataset=str(tmp_path))
    assert loaded.dataset["test"]["row_id"][:] == ["test/arts/a.txt"]


def test_data_in_memory_of_every_kind():
    texts, labels = (list(column) for column in zip(*ALL, strict=True))
    frame = pd.DataFrame({"text": texts, "label": labels})
    expected = load(frame)
    assert expected.info["name"] == "data" and expected.label_names == ["arts", "sport"]
    numbered = [["arts", "sport"].index(label) for label in labels]
    features = Features({"text": Value("string"), "label": ClassLabel(names=["arts", "sport"])})
    for dataset in (
        (texts, labels),
        (np.array(texts), pd.Series(labels, index=range(5, 21))),
        Dataset.from_pandas(frame),
        Dataset.from_dict({"text": texts, "label": numbered}, features=features),
    ):
        assert load(dataset).info["split_fingerprint"] == expected.info["split_fingerprint"]
    assert load_data(frame.rename(columns={"text": "body"}), text_column="body").keys() == expected.dataset.keys()
    # What `load_data` returns can be given back; ids and splits stay.
    again = load(expected.dataset)
    assert again.info["split_sizes"] == expected.info["split_sizes"]
    assert set(again.dataset["test"]["row_id"]) == set(expected.dataset["test"]["row_id"])
    for wrong in (["a", "b"], (["a"], ["x", "y"])):
        with pytest.raises(UserError, match="dataset"):
            load(wrong)


def test_splits_of_a_dictionary(caplog):
    frames = {
        name: pd.DataFrame(stories("arts", "sport", each=6, start=start), columns=["text", "label"])
        for name, start in (("train", 0), ("dev", 10), ("unsupervised", 20))
    }
    loaded = load(frames)
    assert rows_of(loaded, "validation") == set(stories("arts", "sport", each=6, start=10))
    assert loaded.info["num_rows"] == 24
    assert not load({"all": frames["train"]}).info["predefined_split"]
    with pytest.raises(UserError, match="train, validation or test"):
        load({"one": frames["train"], "two": frames["dev"]})


def test_duplicates_are_dropped_and_conflicts_counted(tmp_path, caplog):
    rows = [*ALL, (story("arts", 0).upper(), "arts"), (story("arts", 1), "sport")]
    info = load(dataset=write(tmp_path / "a.csv", rows)).info
    assert (info["num_rows"], info["num_unique_texts"], info["exact_duplicates_dropped"]) == (18, 16, 1)
    assert info["conflicting_labels"] == 1 and sum(info["split_sizes"].values()) == 17
    assert "different labels" in caplog.text


def test_leakage_between_predefined_splits_is_counted_and_dropped(tmp_path, caplog):
    write(tmp_path / "train.csv", ALL)
    write(tmp_path / "test.csv", [*stories("arts", "sport", each=2), *stories("arts", "sport", each=3, start=20)])
    info = load(dataset=str(tmp_path)).info
    assert info["leakage"]["test"] == 4 and "--drop_leaked_rows" in caplog.text
    loaded = load(dataset=str(tmp_path), drop_leaked_rows=True)
    assert loaded.info["leakage"]["test"] == 0 and loaded.info["leaked_rows_dropped"] == 4
    assert loaded.info["split_sizes"]["test"] == 10
    seen = {text_hash(text) for text in loaded.dataset["train"]["text"]}
    assert seen.isdisjoint(text_hash(text) for text in loaded.dataset["test"]["text"])


def test_invalid_rows_are_refused_or_dropped(tmp_path, caplog):
    path = write(tmp_path / "a.csv", [("", "arts"), *ALL, (story("arts", 99), ""), ("None", "arts")])
    with pytest.raises(UserError, match=r"a.csv: row 'a.csv:1' has no text .*; 3 of 19 .*--drop_invalid_rows"):
        load(dataset=path)
    loaded = load(dataset=path, drop_invalid_rows=True)
    assert loaded.info["invalid_rows_dropped"] == 3 and sum(loaded.info["split_sizes"].values()) == 16
    ids = {row_id for table in loaded.dataset.values() for row_id in table["row_id"]}
    assert ids == {f"a.csv:{number}" for number in range(2, 18)}
    with pytest.raises(UserError, match="no row has both"):
        load(dataset=write(tmp_path / "b.csv", [("", "x"), (" ", "y")]), drop_invalid_rows=True)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_missing_values_are_null_in_typed_formats_and_words_are_texts(tmp_path, suffix):
    rows = [*ALL, ("None", "arts"), ("null", "sport"), (None, "arts"), ("x", float("nan"))]
    path = tmp_path / f"a.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in rows))
    else:
        write(path, rows)
    with pytest.raises(UserError, match=rf"row 'a.{suffix}:19' has no text"):
        load(dataset=str(path))
    loaded = load(dataset=str(path), drop_invalid_rows=True)
    assert loaded.info["invalid_rows_dropped"] == 2
    assert {"None", "null"} < {text for table in loaded.dataset.values() for text in table["text"]}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_whole_numbers_are_the_same_labels_in_every_format(tmp_path, suffix):
    rows = [(story("x", number), float(number % 2)) for number in range(20)]
    path = write(tmp_path / f"a.{suffix}", rows)
    assert load(dataset=path).label_names == ["0", "1"]
    assert load(dataset=path, label_map=["0=arts", "1=sport"]).label_names == ["arts", "sport"]
    with pytest.raises(UserError, match="--label_map"):
        load(dataset=path, label_map=["7=arts"])


def test_multi_label(tmp_path):
    rows = [(story("x", number), ["a", "b", "a;b", ""][number % 4]) for number in range(40)]
    loaded = load(dataset=write(tmp_path / "a.csv", rows), label_separator=";")
    assert loaded.multi_label and loaded.label_names == ["a", "b"]
    assert loaded.dataset["train"].features["label"] == List(ClassLabel(names=["a", "b"]))
    columns = pd.DataFrame(
        {"text": [text for text, _ in rows], "a": [int("a" in labels) for _, labels in rows],
         "b": ["true" if "b" in labels else "false" for _, labels in rows]}
    )  # fmt: skip
    indicators = load(columns, label_column=["a", "b"])
    lists = load(([text for text, _ in rows], [[x for x in labels.split(";") if x] for _, labels in rows]))
    assert indicators.info["label_counts"] == lists.info["label_counts"] == loaded.info["label_counts"]
    assert indicators.info["split_fingerprint"] == lists.info["split_fingerprint"]
    mixed = pd.DataFrame({"text": ["a", "b"], "label": [["x"], ["y"]]})
    with pytest.raises(UserError, match="--label_separator"):
        load({"train": mixed, "test": pd.DataFrame({"text": ["c"], "label": ["x"]})})


def test_rare_labels_are_left_out_by_name(tmp_path, caplog):
    path = write(tmp_path / "a.csv", [*ALL, ("only one", "rare")])
    with pytest.raises(UserError, match=r"'rare'.*--min_label_rows 2"):
        load(dataset=path)
    loaded = load(dataset=path, min_label_rows=2)
    assert loaded.label_names == ["arts", "sport"] and loaded.info["rare_labels_dropped"] == {"rare": 1}
    assert "'rare' (1)" in caplog.text
    rows = [(story("x", number), ["a"] if number else ["a", "c"]) for number in range(20)]
    multi = load(([text for text, _ in rows], [labels for _, labels in rows]), min_label_rows=2, split="all")
    assert multi.label_names == ["a"] and multi.dataset["test"].num_rows == 20


def test_rows_to_evaluate(tmp_path):
    path = write(tmp_path / "one.csv", [("a goal", "sport")] * 3)
    for split in ("auto", "all"):
        assert load(dataset=path, split=split).dataset["test"]["row_id"][:] == [f"one.csv:{n}" for n in (1, 2, 3)]
    write(tmp_path / "news" / "train.csv", ALL)
    write(tmp_path / "news" / "test.csv", stories("arts", each=2, start=30))
    for split, size in {"auto": 2, "test": 2, "all": 18}.items():
        assert load(dataset=str(tmp_path / "news"), split=split).dataset["test"].num_rows == size
    whole = write(tmp_path / "whole.csv", ALL)
    cut = load(dataset=whole, split="test")
    assert rows_of(cut, "test") == rows_of(load(dataset=whole), "test")
    assert load(dataset=whole, split="auto", max_eval_samples=4).dataset["test"].num_rows == 4


def test_read_rows_keeps_every_row(tmp_path):
    path = write(tmp_path / "a.csv", [("", "arts"), *ALL, *ALL, ("x", "")])
    raw = read_rows(DataArguments(dataset=path))
    assert len(raw.frame) == 34 and list(raw.frame) == ["row_id", "text", "split", "label"]
    assert raw.frame["text"][0] is None and raw.frame["label"][33] is None and raw.frame["label"][0] == ("arts",)
    assert raw.label_names == ["arts", "sport"] and not raw.multi_label and raw.predefined_splits is None


def test_few_test_rows_are_warned_of(caplog):
    with caplog.at_level(logging.WARNING):
        load(tuple(zip(*ALL, strict=True)))
    assert "test rows" in caplog.text and "--folds" in caplog.text


def test_any_script(tmp_path):
    words = {"رياضة": "فاز الفريق", "新闻": "股市 下跌 👩‍👩‍👧", "été": "ค่ำ नमस्ते"}
    rows = [(f"{text} {number}", label) for label, text in words.items() for number in range(10)]
    path = write(tmp_path / "أخبار 📰.csv", rows, fields=("النص", "类别"))
    loaded = load(dataset=path, text_column="النص", label_column="类别")
    assert set().union(*(rows_of(loaded, split) for split in loaded.dataset)) == set(rows)


def test_labels_to_array():
    assert labels_to_array([0, 1, 0], ["b", "a"], ["a", "b", "c"]).tolist() == [1, 0, 1]
    array = labels_to_array([[0, 1], []], ["b", "a"], ["a", "b", "c"])
    assert array.dtype == bool and array.tolist() == [[True, True, False], [False, False, False]]
    assert labels_to_array([0], ["a", "unused"], ["a"]).dtype == np.int64
    with pytest.raises(UserError, match="'b'"):
        labels_to_array([0, 1], ["a", "b"], ["a"])
