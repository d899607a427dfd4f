"""Files that can be read but not learnt from, and flags that contradict them: refused before an encoder is loaded."""

import json
from pathlib import Path

import pytest

from tests.data.stories import stories, story
from tests.refusals import assert_refused

GOOD = stories("business", "sport", each=6)
HEADER = "text,label\n"
TEN_MEGABYTES = "goal " * 2_000_000


def csv_of(*rows: tuple[str, str], fields: str = HEADER) -> str:
    return fields + "".join(f'"{text}",{label}\n' for text, label in rows)


def jsonl_of(*rows: tuple[object, object]) -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


MINE = ["--dataset", "mine.csv"]
SIDES = ["--train_file", "train.csv", "--test_file", "test.csv"]
FOLDER = ["--dataset", "news"]

# The files, the flags, and what is said.
ROWS: dict[str, tuple[dict[str, str], list[str], str]] = {
    "an empty text": (
        {"mine.csv": csv_of(*GOOD, (" ", "sport"))},
        MINE,
        r"row 'mine.csv:13', column 'text': is empty; every row needs a text and a label \(--drop_broken_rows",
    ),
    "a text that is null": (
        {"mine.jsonl": jsonl_of(*GOOD, (None, "sport"), (None, "sport"))},
        ["--dataset", "mine.jsonl"],
        "row 'mine.jsonl:13', column 'text': is empty; of 2 broken rows it is the first",
    ),
    "a text that is NaN": (
        {"mine.jsonl": jsonl_of(("a goal", "sport"), (float("nan"), "sport"))},
        ["--dataset", "mine.jsonl"],
        r"'mine.jsonl', column 'text': one kind of value is meant, not text \(row 1\) and a number \(row 2\)",
    ),
    "no label": (
        {"mine.csv": csv_of(*GOOD, ("a goal", ""))},
        MINE,
        "row 'mine.csv:13', column 'label': has no label; every row needs a text and a label",
    ),
    "no labels at all": (
        {"mine.jsonl": jsonl_of(*((text, None) for text, _ in GOOD))},
        ["--dataset", "mine.jsonl", "--drop_broken_rows"],
        "mine.jsonl: every row is broken; the first, 'mine.jsonl:1', has no label",
    ),
    "ten megabytes of text": (
        {"mine.csv": csv_of(*GOOD, (TEN_MEGABYTES, "sport"))},
        MINE,
        "row 'mine.csv:13', column 'text': has 9,999,999 characters, more than 1,000,000 .a quotation mark left open",
    ),
    "a NUL in a text": (
        {"mine.jsonl": jsonl_of(*GOOD, ("a\0goal", "sport"))},
        ["--dataset", "mine.jsonl"],
        "row 'mine.jsonl:13', column 'text': holds a NUL character",
    ),
    "one label": (
        {"mine.csv": csv_of(*stories("sport"))},
        MINE,
        "mine.csv: the only label is 'sport'; a classifier needs at least two",
    ),
    "fewer rows of a label than sides": (
        {"mine.csv": csv_of(*GOOD, *stories("tech", each=2))},
        MINE,
        "label 'tech' has 2 distinct articles: too few for test, validation, train; it needs at least 3",
    ),
    "fewer distinct rows of a label than sides": (
        {"mine.csv": csv_of(*GOOD, *stories("tech", each=1) * 5)},
        MINE,
        "label 'tech' has 1 distinct article: too few for test, validation, train; it needs at least 3",
    ),
    "a missing column": (
        {"mine.csv": csv_of(*GOOD, fields="story,topic\n")},
        [*MINE, "--text_column", "body"],
        "--text_column: 'mine.csv' has no column 'body'; it has 'story', 'topic'",
    ),
    "a missing column of labels": (
        {"mine.csv": csv_of(*GOOD, fields="story,topic\n")},
        [*MINE, "--label_column", "label"],
        "--label_column: 'mine.csv' has no column 'label'; it has 'story', 'topic'",
    ),
    "columns of unknown names": (
        {"mine.csv": csv_of(*GOOD, fields="one,two\n")},
        MINE,
        "'mine.csv': which column holds the text. It has 'one', 'two', and none is called text, content, body, article "
        "or the like; say so with --text_column",
    ),
    "a column too many": (
        {"mine.csv": "text,one,two\na goal,1,2\n"},
        MINE,
        "'mine.csv': which column holds the label. It has 'text', 'one', 'two', .* say so with --label_column",
    ),
    "text and label in one": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--text_column", "label", "--label_column", "label"],
        "'mine.csv': the column 'label' cannot be both text and label",
    ),
    "fractions for labels": (
        {"mine.jsonl": jsonl_of(("a goal", 0.5))},
        ["--dataset", "mine.jsonl"],
        "'mine.jsonl', row 1, column 'label': a label is a name or a whole number, not 0.5",
    ),
    "objects for labels": (
        {"mine.jsonl": jsonl_of(("a goal", {"name": "sport"}))},
        ["--dataset", "mine.jsonl"],
        "'mine.jsonl', column 'label': a label is text, a whole number or a list of them, not struct",
    ),
    "the library's default names": (
        {"mine.csv": csv_of(*((text, f"LABEL_{label == 'sport':d}") for text, label in GOOD))},
        MINE,
        "the label 'LABEL_0' tells a reader nothing; name the labels: --label_map LABEL_0=",
    ),
    "a label of test alone": (
        {"train.csv": csv_of(*GOOD), "test.csv": csv_of(("a phone", "tech"))},
        SIDES,
        "row 'test.csv:1' of test has the label 'tech', which no row of train has; train has business, sport",
    ),
    "test alone": (
        {"test.csv": csv_of(*GOOD)},
        ["--test_file", "test.csv"],
        "there is no row to train on: give --train_file, or a data set with a train split",
    ),
    "other columns in another file": (
        {"news/1.csv": csv_of(*GOOD), "news/2.csv": csv_of(*GOOD, fields="story,label\n")},
        ["--dataset", "news/*.csv"],
        "'news.2.csv' has no column 'text', unlike 'news.1.csv'; it has 'story', 'label': every file needs",
    ),
    "numbers here and names there": (
        {"news/1.csv": csv_of(*GOOD), "news/2.jsonl": jsonl_of(("a goal", 0), ("a film", 1))},
        ["--dataset", "news"],
        "'news.1.csv', column 'label', holds names, and 'news.2.jsonl' holds numbers: every file needs the same kind",
    ),
    "only a test side": (
        {"news/test.csv": csv_of(*GOOD)},
        ["--dataset", "news"],
        "test.csv: there is no row to train on: give --train_file",
    ),
    "a column for the embedded articles": (
        {},
        ["--text_column", "title"],
        "--text_column: the embedded BBC News can make no use of it; leave it out, or name other data",
    ),
    "a revision of a file": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--dataset_revision", "main"],
        "--dataset_revision: files can make no use of it",
    ),
    "what pandas writes for nothing": (
        {"mine.csv": csv_of(*GOOD, ("nan", "sport"))},
        MINE,
        "row 'mine.csv:13', column 'text': says only 'nan', which stands for no text",
    ),
    "lists here and names there": (
        {"news/1.jsonl": jsonl_of(("a", ["sport"])), "news/2.jsonl": jsonl_of(("b", "sport"))},
        FOLDER,
        "'news.1.jsonl' has lists of labels and 'news.2.jsonl' has single ones; all need the same",
    ),
    "some files are named for sides": (
        {"news/train.csv": csv_of(*GOOD), "news/more.csv": csv_of(*GOOD)},
        FOLDER,
        "--dataset: 'news.train.csv' is named for a side and 'news.more.csv' is not; name the sides with --train_file",
    ),
    "a broken class folder": (
        {"news/sport/1.txt": "a goal", "news/sport/2.txt": "", "news/tech/1.txt": "a phone"},
        FOLDER,
        "row 'sport/2.txt', column 'text': is empty",
    ),
    "an empty folder": (
        {"news/README.md": "nothing"},
        FOLDER,
        "the folder 'news' holds neither a file of rows [(].csv, .tsv,",
    ),
    "a folder for a side": (
        {"news/1.csv": csv_of(*GOOD)},
        ["--train_file", "news"],
        "--train_file: 'news' is a folder where a file is meant",
    ),
    "a pattern that matches nothing": ({}, ["--dataset", "*.csv"], r"--dataset: no file matches '\*\.csv'"),
    "no pattern of files": ({}, ["--dataset", "news**.csv"], "--dataset: 'news.*csv' is no pattern of file names"),
    "a file on two sides": (
        {"train.csv": csv_of(*GOOD)},
        ["--train_file", "train.csv", "--test_file", "train.csv"],
        "the file 'train.csv' is on two sides; every file may be on one",
    ),
    "a data set and files": (
        {"mine.csv": csv_of(*GOOD), "train.csv": csv_of(*GOOD)},
        [*MINE, "--train_file", "train.csv"],
        "--dataset and --train_file, --validation_file or --test_file exclude each other",
    ),
    "folds of ready-made sides": (
        {"train.csv": csv_of(*GOOD), "test.csv": csv_of(*GOOD)},
        [*SIDES, "--folds", "2", "--fold", "0"],
        "--folds cuts all rows anew, but this data has ready-made splits; give one of the two",
    ),
    "more folds than articles": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--folds", "7", "--fold", "0"],
        "label 'business' has 6 distinct articles: too few for fold 0, .* it needs at least 7",
    ),
    "no samples": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--max_train_samples", "0"],
        "--max_train_samples must be at least 1",
    ),
    "two characters between cells": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--delimiter", "||"],
        r"--delimiter must be one ASCII character, neither a quotation mark nor a line break, not '\|\|'",
    ),
    "another delimiter": (
        {"mine.csv": "text;label\na goal;sport\n"},
        MINE,
        "'mine.csv': the column names stand in one cell, with ';' in it; if that separates the columns, add --delim",
    ),
    "nothing between labels": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--label_separator="],
        "--label_separator must be at least one character",
    ),
    "a map without a sign": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--label_map", "a=b", "c"],
        "--label_map: .*'c' has no equals",
    ),
    "a map that is not there": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--label_map", "map.yaml"],
        "--label_map: cannot read 'map.yaml': No such file or directory; or write old=new",
    ),
    "a map that is a list": (
        {"mine.csv": csv_of(*GOOD), "map.yaml": "- sport\n"},
        [*MINE, "--label_map", "map.yaml"],
        "--label_map: every label needs a new name that is text, as in 0: business",
    ),
    "a map that is no JSON": (
        {"mine.csv": csv_of(*GOOD)},
        [*MINE, "--label_map", "{'0': 'sport'}"],
        "--label_map: write old=new old=new ., or name a YAML or JSON file: Expecting property name",
    ),
    "a map with a gap": (
        {"mine.jsonl": jsonl_of((story("a", 1), 0), (story("b", 1), 1))},
        ["--dataset", "mine.jsonl", "--label_map", "0=sport"],
        "--label_map has no name for the label 1; it has 0",
    ),
}


def write(files: dict[str, str]) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8", newline="\n")


@pytest.mark.parametrize("name", ROWS)
def test_data_that_cannot_be_learnt_from_are_refused(name, unreadable_encoder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files, flags, message = ROWS[name]
    write(files)
    assert_refused(["train", "--encoder", unreadable_encoder, *flags], message, capsys)
