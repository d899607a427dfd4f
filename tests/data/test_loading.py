"""Files, directories, the Hub's, saved and in-memory data sets to splits; excerpts of texts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bbc_classifier.config import DataArguments
from bbc_classifier.data import loading
from bbc_classifier.data.loading import load_data, load_splits, read_rows
from bbc_classifier.data.sources import read_table
from bbc_classifier.errors import UserError
from tests.hub_server import HubServer
from tests.tiny import article, articles, run_python

ALL = articles("arts", "sport", each=8)
FILES = ["train.csv dev.csv test.csv", "train/0.jsonl valid/0.jsonl Test/0.jsonl"]
TEXT = 'Ads boost profit\nProfits at U.S. media giant Time rose 76% to $1.13bn. "The firm" said so.\n\n' + "word " * 40


def write(path, rows):
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


def rows_of(loaded, split):
    return {(row["text"], loaded.label_names[row["label"]]) for row in loaded.dataset[split]}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_every_format_gives_the_same_splits_and_whole_numbers_the_same_labels(tmp_path, suffix):
    path = write(tmp_path / f"news.{suffix}", ALL)
    loaded, expected = load(dataset=path), load(pd.DataFrame(ALL, columns=["text", "label"]))
    for split in ("train", "validation", "test"):
        assert rows_of(loaded, split) == rows_of(expected, split)
    assert loaded.info["columns"] == {"text": ["text"], "label": ["label"]}
    numbers = write(tmp_path / f"numbers.{suffix}", [(article("x", row), float(row % 2)) for row in range(20)])
    assert load(dataset=numbers, label_map=["0=arts", "1=sport"]).label_names == ["arts", "sport"]


GERMAN, ENCODINGS = "text,label\nFußball in Köln,sport\n", ("cp1252", "utf-16")
# File, content, options of `read_table`, and the rows or the error.
TABLES = [
    ("a.csv", '\ufefftext,label\n"one, ""two""\nthree",sport\n', {}, [['one, "two"\nthree', "sport"]]),
    ("a.csv", "text\tlabel\na,b\tc\n", {"delimiter": "\\t"}, [["a,b", "c"]]),
    ("أخبار 📰.csv", "النص,新闻\nค่ำ नमस्ते,👩‍👩‍👧\n", {}, [["ค่ำ नमस्ते", "👩‍👩‍👧"]]),
    ("a.csv", "sep=;\ntext;label\na,b;c\n", {}, [["a,b", "c"]]),
    ("a.csv", ",text,label,,\n0,a,b,,\n", {}, [["a", "b"]]),
    ("a.tsv", 'text\tlabel\n"Hi, he said\tsport\n', {"quoting": "none"}, [['"Hi, he said', "sport"]]),
    ("a.csv", "text,label\n\nNA,null\n  \n", {}, [["NA", "null"]]),
    ("a.csv", 'text\tlabel\n"a\tb\nc"\td\n', {"delimiter": "\t"}, [["a\tb\nc", "d"]]),
    ("a.tsv", 'text\tlabel\n"a\tb\nc"\td\n', {}, "--quoting none"),
    ("a.csv", 'text,"label"s\na,b\n', {}, "line 1: .*--quoting"),
    ("a.json", '["text"]', {}, "a list of objects"),
    ("a.json", '{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n', {}, [["a", 1], ["b", 2]]),
    ("a.txt", "one\n\ntwo\n", {}, [["one"], [""], ["two"]]),
    ("a.csv", ",,\na,b,c\n", {}, "first row.* is empty"),
    ("a.csv", "text,label\na,b,c\n", {}, "line 2: 3 cells, but the header has 2"),
    ("a.csv", 'text,label\n"a,b\nc,d\n', {}, "--quoting"),
    ("a.csv", "text;label\na;b\n", {}, "--delimiter ';'"),
    ("a.csv", "text,label,text\na,b,c\n", {}, "'text'"),
    ("a.jsonl", '{"text": "a"}\n{"text":\n', {}, "line 2"),
    ("a.jsonl", '{"text": "a"}\n3\n', {}, "line 2: not a JSON object"),
    ("a.jsonl", '{"text": "a"}\n{"text": "\\ud83d"}\n', {}, "line 2: .*surrogates"),
    ("a.parquet", "text", {}, "a.parquet"),
    ("a.docx", "text", {}, "docx"),
    *(("a.csv", GERMAN.encode(name), {"encoding": name}, [["Fußball in Köln", "sport"]]) for name in ENCODINGS),
    *(("a.csv", GERMAN.encode(name), {}, f"a.csv.*--encoding {name}") for name in ENCODINGS),
]


@pytest.mark.parametrize(("file", "content", "options", "expected"), TABLES)
def test_read_table(tmp_path, file, content, options, expected):
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    if isinstance(expected, list):
        assert read_table(tmp_path / file, **options).values.tolist() == expected
    else:
        with pytest.raises(UserError, match=expected):
            read_table(tmp_path / file, **options)


def test_class_names_of_parquet_and_saved_splits(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["world", "arts"])})
    table = Dataset.from_dict({"text": [article("x", n) for n in range(20)], "label": [0, 1] * 10}, features=features)
    table.to_parquet(tmp_path / "a.parquet")
    assert set(read_table(tmp_path / "a.parquet")["label"]) == {"world", "arts"}
    DatasetDict(train=table, test=table.select(range(4))).save_to_disk(tmp_path / "splits")
    loaded = load(dataset=str(tmp_path / "splits"))
    assert loaded.dataset["test"].num_rows == 4 and loaded.info["leakage"]["test"] == 4


@pytest.mark.parametrize("files", [*FILES, "a-train-00000-of-00002.tsv a-eval.tsv a-test.tsv"])
def test_files_named_for_splits_are_predefined_splits(tmp_path, files):
    for number, name in enumerate(files := files.split()):
        write(tmp_path / "news" / name, articles("arts", "sport", each=5 - number, start=5 * number))
    write(tmp_path / "news" / ".old" / "more.csv", ALL)
    (tmp_path / "news" / "~$train.xlsx").touch()
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
        train = write(tmp_path / f"part{number}.csv", articles("arts", "sport", each=5, start=5 * number))
    test = write(tmp_path / "held.csv", articles("arts", "sport", each=3, start=20))
    loaded = load(train_file=str(tmp_path / "part*.csv"), test_file=test)
    assert rows_of(loaded, "test") == set(articles("arts", "sport", each=3, start=20))
    assert loaded.info["split_sizes"]["train"] + loaded.info["split_sizes"]["validation"] == 20
    for options in ({"train_file": "nowhere.csv"}, {"train_file": train, "dataset": test}):
        with pytest.raises(UserError, match="--train_file"):
            load(**options)


def test_class_directories(tmp_path, caplog):
    for number, (text, label) in enumerate(ALL):
        (tmp_path / "news" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "news" / label / f"{number}.TXT").write_text(f"\ufeff{text}\n", encoding="utf-8")
    (tmp_path / "news" / "readme.md").write_text("x")
    write(tmp_path / "news" / ".old" / "hidden.txt", ALL)
    loaded = load(dataset=str(tmp_path / "news"), label_map={"arts": "SPORT"})
    assert loaded.label_names == ["SPORT", "sport"] and sum(loaded.info["split_sizes"].values()) == 16
    assert "--label_map SPORT=sport" in caplog.text
    assert "sport/1.TXT" in {row_id for table in loaded.dataset.values() for row_id in table["row_id"]}
    (tmp_path / "news").rename(tmp_path / "train")
    (tmp_path / "test" / "arts").mkdir(parents=True)
    (tmp_path / "test" / "arts" / "a.txt").write_text("Köln", encoding="cp1252")  # as one of the BBC's files
    (tmp_path / "readme.txt").touch()
    loaded = load(dataset=str(tmp_path))
    assert loaded.dataset["test"][0] == {"row_id": "test/arts/a.txt", "text": "Köln", "label": 0}
    assert "1 texts are read as cp1252" in caplog.text and "1 texts are left out" in caplog.text


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
    for wrong in (frame[:0], ["a", "b"], (["a"], ["x", "y"]), {"one": frame, "two": frame}):
        with pytest.raises(UserError):
            load(wrong)


def test_duplicates_and_rare_labels_are_dropped_and_conflicts_counted(tmp_path, caplog):
    rows = [*ALL, (article("arts", 0).upper(), "arts"), (article("arts", 1), "sport"), *[("only one", "rare")] * 3]
    path = write(tmp_path / "a.csv", rows)
    with pytest.raises(UserError, match=r"'rare'.*--min_label_rows 2"):
        load(dataset=path)
    loaded = load(dataset=path, min_label_rows=2)
    info = loaded.info
    assert loaded.label_names == ["arts", "sport"] and info["rare_labels_dropped"] == {"rare": 1}
    assert (info["num_rows"], info["num_unique_texts"], info["exact_duplicates_dropped"]) == (21, 16, 1)
    assert info["conflicting_labels"] == 1 and sum(info["split_sizes"].values()) == 17
    for warning in ("different labels", "only 2 test rows", "'rare' (1)"):
        assert warning in caplog.text


def test_leakage_between_predefined_splits_is_counted_and_dropped(tmp_path, caplog):
    write(tmp_path / "train.csv", ALL)
    write(tmp_path / "test.csv", [*articles("arts", "sport", each=2), *articles("arts", "sport", each=3, start=20)])
    info = load(dataset=str(tmp_path)).info
    assert info["leakage"]["test"] == 4 and "--drop_leaked_rows" in caplog.text
    loaded = load(dataset=str(tmp_path), drop_leaked_rows=True)
    assert loaded.info["leakage"]["test"] == 0 and loaded.info["leaked_rows_dropped"] == 4
    assert loaded.info["split_sizes"]["test"] == 10


def test_invalid_rows_are_read_refused_or_dropped(tmp_path):
    path = write(tmp_path / "a.csv", [("", "arts"), *ALL, (article("arts", 99), ""), ("None", "arts")])
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


def test_multi_label(tmp_path):
    rows = [(article("x", number), ["a", "b", "a;b", ""][number % 4]) for number in range(40)]
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
    write(tmp_path / "news" / "test.csv", articles("arts", each=2, start=30))
    for split, size in {"auto": 2, "test": 2, "all": 18}.items():
        assert load(dataset=str(tmp_path / "news"), split=split).dataset["test"].num_rows == size
    whole = write(tmp_path / "whole.csv", ALL)
    assert rows_of(load(dataset=whole, split="test"), "test") == rows_of(load(dataset=whole), "test")
    for options, size in (({"max_eval_samples": 4}, 4), ({}, 16)):
        assert load(dataset=whole, split="auto", **options).dataset["test"].num_rows == size


def test_labels_to_array():
    assert loading.labels_to_array([0, 1, 0], ["b", "a"], ["a", "b", "c"]).tolist() == [1, 0, 1]
    array = loading.labels_to_array([[0, 1], []], ["b", "a"], ["a", "b", "c"])
    assert array.dtype == bool and array.tolist() == [[True, True, False], [False, False, False]]
    with pytest.raises(UserError, match="'b'"):
        loading.labels_to_array([0, 1], ["a", "b"], ["a"])


CSV = "text,label\nGoal!,sport\nA chip,tech\n"
TWO = "---\nconfigs:\n- {config_name: en, data_files: en/*.csv}\n- {config_name: de, data_files: de/*.csv}\n---\n"
CLIENT = """
import json, sys
from bbc_classifier.config import DataArguments
from bbc_classifier.data.loading import read_rows
for options in json.load(sys.stdin):
    try:
        raw = read_rows(DataArguments(**options))
        print("ANSWER", json.dumps(["", raw.info["revision"], raw.frame["split"].tolist(), raw.label_names]))
    except (ValueError, RuntimeError) as error:
        print("ANSWER", json.dumps([type(error).__name__, str(error)]))
"""


def ask(environment, *requests):
    # A data set's script, if it ran, would end it with 3.
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    lines = run_python("-c", CLIENT, input=json.dumps(requests), env=environment).stdout.splitlines()
    return [json.loads(line.removeprefix("ANSWER ")) for line in lines if line.startswith("ANSWER")]


@pytest.mark.slow
def test_data_sets_of_the_hub_online_offline_and_when_they_do_not_exist(tmp_path):
    news, other = {"dataset": "ann/news"}, {"dataset": "ann/two"}
    with HubServer() as hub:
        files = hub.add_repository("ann/news", {"train.csv": CSV, "test.csv": "text,label\nTor!,sport\n"})
        hub.add_repository("ann/two", {"en/train.csv": CSV, "de/train.csv": CSV, "README.md": TWO})
        hub.add_repository("bob/script", {"script.py": "raise SystemExit(3)"})
        hub.add_repository("bob/broken", {"train.parquet": b"not Parquet"})
        script, broken, absent = ({"dataset": f"bob/{name}"} for name in ("script", "broken", "absent"))
        requests = [news, {**other, "dataset_config": "de"}, other, script, broken, absent]
        online = ask(hub.environment(tmp_path), *requests, {**news, "dataset_revision": "v9"})
        commit = files.refs["main"]
        revisions = [{**news, "dataset_revision": name} for name in (commit, "0" * 40)]
        offline = ask(hub.environment(tmp_path, HF_HUB_OFFLINE="1"), news, *revisions, absent)
    assert online[0] == ["", commit, ["train", "train", "test"], ["sport", "tech"]]
    assert online[1][0] == "" and online[1][2] == ["train", "train"]
    expected = ["Config name is missing", "scripts are no longer supported", "Parquet", "HF_TOKEN", "v9"]
    for (error, message), words in zip(online[2:], expected, strict=True):
        assert error == "UserError" and message.startswith("--dataset ") and words in message
    assert offline[0] == offline[1] == online[0]
    assert [answer[0] for answer in offline[2:]] == ["EnvironmentFailure", "EnvironmentFailure"]
    assert "the Hub cannot be reached" in offline[3][1]


def test_parts_of_a_text_with_title_and_excerpts_that_are_shorter_than_their_text():
    title, sentence = "Ads boost profit", "Profits at U.S. media giant Time rose 76% to $1.13bn."
    parts = {"title": title, "first_sentence": sentence, "first_30_words": " ".join(TEXT.split()[:30])}
    assert loading.excerpts(TEXT, titled=True) == parts
    texts, numbers = loading.with_excerpts(["Short one", TEXT, "One. Two."], False, ["title", "first_sentence"])
    assert texts[:3] == ["Short one", TEXT, "One. Two."] and texts[4] == "One."
    assert numbers == [0, 1, 2, 1, 2]
    assert loading.with_excerpts([TEXT], True, ["first_30_words", "title"])[0][1:] == [parts["first_30_words"], title]


@pytest.mark.parametrize(
    ("text", "titled", "sentence"),
    [
        ("One. Two.", False, "One."),
        ("No end", False, "No end"),
        ("He said “go.” Then he went.", False, "He said “go.”"),
        ("version 2.0 of it. ok", False, "version 2.0 of it. ok"),
        ("A heading\n\nThe text.", False, "A heading"),
        ("", False, ""),
        ("Only a title", True, "Only a title"),
    ],
)
def test_first_sentence(text, titled, sentence):
    assert loading.excerpts(text, titled)["first_sentence"] == sentence


def test_titles_are_found_in_data_not_in_single_texts():
    assert loading.has_titles([TEXT] * 9 + ["no title"])
    assert not loading.has_titles([TEXT] * 8 + ["no title"] * 2)
    assert not loading.has_titles(["long first line " * 10 + "\nrest"] * 5) and not loading.has_titles([])
