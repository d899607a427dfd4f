"""A person's own files, all the way to articles on sides: what is left out, what is cut, and what nothing changes."""

import json
import logging
import random

import pytest

from bbc_classifier.data.articles import load_articles, load_test_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from tests.data.stories import stories, story, write_csv


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(**options):
    return load_articles(DataArguments(**options))


def texts(articles, side: str) -> set[str]:
    return set(articles.side(side)["text"][:])


def test_every_row_that_is_used_has_the_text_and_label_that_stand_at_its_number(tmp_path):
    rows = stories("arts", "sport", each=10)
    write_csv(tmp_path / "news.csv", rows)
    articles = load(dataset="news.csv")
    assert articles.sizes() == {"train": 14, "validation": 2, "test": 4}
    for row in articles.table:
        name, _, number = row["row_id"].partition(":")
        assert name == "news.csv"
        assert (row["text"], articles.label_names[row["label"]]) == rows[int(number) - 1]


def test_the_order_of_rows_and_their_spread_over_files_change_no_side(tmp_path):
    rows = [*stories("arts", "sport", each=10), *stories("arts", "sport", each=3), (story("arts", 4), "sport")]
    random.Random(0).shuffle(rows)
    sides = []
    for number in range(3):
        random.Random(number).shuffle(rows)
        write_csv(tmp_path / f"{number}" / "a.csv", rows[: 5 * number + 1])
        write_csv(tmp_path / f"{number}" / "b.csv", rows[5 * number + 1 :])
        articles = load(dataset=f"{number}")
        sides.append({side: sorted(texts(articles, side)) for side in ("train", "validation", "test")})
        assert articles.label_names == ["arts", "sport"]
        assert articles.findings["exact_duplicates_dropped"] == 6
    assert sides[0] == sides[1] == sides[2]


def test_copies_are_dropped_and_texts_with_two_labels_stay_on_one_side(tmp_path, caplog):
    rows = stories("arts", "sport", each=8)
    conflicts = [(text, "arts" if label == "sport" else "sport") for text, label in rows[:10]]
    write_csv(tmp_path / "news.csv", [*rows, *rows[:3], *conflicts])
    with caplog.at_level(logging.WARNING):
        articles = load(dataset="news.csv")
    assert "news.csv: texts with more than one label: 10" in caplog.text
    assert articles.dropped == {"news.csv:17": "news.csv:1", "news.csv:18": "news.csv:2", "news.csv:19": "news.csv:3"}
    found = articles.findings
    assert (found["rows"], found["distinct"], found["groups"], found["conflicting_texts"]) == (29, 16, 16, 10)
    assert found["leaks"] == {"validation": 0, "test": 0}
    assert sum(articles.sizes().values()) == 26


def test_near_duplicates_are_on_one_side_unless_they_are_not_looked_for(tmp_path):
    # 22 words have 18 runs of five, a word more makes one more, and 18 of the 19 are common.
    rows = [(f"{text} {text[::-1]}", label) for text, label in stories("arts", "sport", each=8)]
    write_csv(tmp_path / "news.csv", [*rows, *((f"{text} again", label) for text, label in rows)])
    articles = load(dataset="news.csv")
    found = articles.findings
    assert (found["near_duplicate_pairs"], found["groups"], found["exact_duplicates_dropped"]) == (16, 16, 0)
    assert found["leaks"] == {"validation": 0, "test": 0}
    for side in ("train", "validation", "test"):
        here = texts(articles, side)
        assert all((text in here) == (f"{text} again" in here) for text, _ in rows)
    found = load(dataset="news.csv", near_duplicates=False).findings
    assert (found["near_duplicate_pairs"], found["groups"]) == (None, 32)


@pytest.fixture
def three_sides(tmp_path):
    """Ready-made splits of 12, 4 and 5 rows; a copy inside test, and leaks from train and validation into test."""
    train, validation = stories("arts", "sport", each=6), stories("arts", "sport", each=2, start=10)
    test = [*stories("arts", "sport", each=1, start=20), train[0], validation[0], train[0]]
    for name, rows in {"train": train, "validation": validation, "test": test}.items():
        write_csv(tmp_path / "news" / f"{name}.csv", rows)
    return train, validation, test


def test_ready_made_sides_stay_as_they_are_and_their_leaks_are_counted(three_sides, caplog):
    with caplog.at_level(logging.WARNING):
        articles = load(dataset="news")
    assert articles.sizes() == {"train": 12, "validation": 4, "test": 5}
    found = articles.findings
    assert (found["ready_made_split"], found["leaks"], found["leaks_removed"]) == (
        True,
        {"validation": 0, "test": 3},
        0,
    )
    assert found["exact_duplicates_dropped"] == 0
    assert "3 test rows (60.0 %) also stand in train or validation, so their figures flatter" in caplog.text


def test_leaks_are_removed_from_train_and_validation_and_test_stays_whole(three_sides):
    train, validation, test = three_sides
    articles = load(dataset="news", remove_leaks=True)
    assert articles.sizes() == {"train": 11, "validation": 3, "test": 5}
    assert texts(articles, "test") == {text for text, _ in test}
    assert texts(articles, "train") == {text for text, _ in train[1:]}
    assert texts(articles, "validation") == {text for text, _ in validation[1:]}
    assert articles.findings["leaks"] == {"validation": 0, "test": 0}
    assert articles.findings["leaks_removed"] == 2


@pytest.mark.parametrize("by", ["the names of the files", "the options", "class folders"])
def test_what_is_missing_is_cut_from_train_and_never_from_test(by, tmp_path):
    sides = {"train": stories("arts", "sport", each=10), "test": stories("arts", "sport", each=10, start=20)}
    for side, rows in sides.items():
        write_csv(tmp_path / "files" / f"{side}.csv", rows)
        for number, (text, label) in enumerate(rows):
            path = tmp_path / "folders" / side / label / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    options = {
        "the names of the files": {"dataset": "files"},
        "the options": {"train_file": "files/train.csv", "test_file": "files/test.csv"},
        "class folders": {"dataset": "folders"},
    }[by]
    articles = load(**options)
    assert texts(articles, "test") == {text for text, _ in sides["test"]}
    assert texts(articles, "train") | texts(articles, "validation") == {text for text, _ in sides["train"]}
    assert articles.sizes() == {"train": 16, "validation": 4, "test": 20}
    assert str(tmp_path) not in json.dumps([articles.provenance, articles.table["row_id"][:]])


def test_a_test_side_is_cut_from_train_where_only_validation_is_ready_made(tmp_path):
    train = write_csv(tmp_path / "a.csv", stories("arts", "sport", each=10))
    validation = write_csv(tmp_path / "b.csv", stories("arts", "sport", each=3, start=20))
    articles = load(train_file=train, validation_file=validation)
    assert texts(articles, "validation") == {text for text, _ in stories("arts", "sport", each=3, start=20)}
    assert articles.sizes()["train"] + articles.sizes()["test"] == 20 and articles.sizes()["test"] > 0


def test_train_alone_is_split_like_any_file_and_can_be_cut_into_folds(tmp_path):
    path = write_csv(tmp_path / "a.csv", stories("arts", "sport", each=10))
    assert load(train_file=path).split == load(dataset=path).split
    tests = [texts(load(train_file=path, folds=5, fold=fold), "test") for fold in range(5)]
    assert len(set.union(*tests)) == sum(map(len, tests)) == 20


def test_folds_and_ready_made_sides_exclude_each_other(three_sides):
    with pytest.raises(InputError, match="--folds cuts all rows anew, but this data has ready-made splits"):
        load(dataset="news", folds=5, fold=0)


def test_broken_rows_are_refused_or_left_out_and_the_others_keep_their_numbers(tmp_path, caplog):
    rows = stories("arts", "sport", each=8)
    write_csv(tmp_path / "news.csv", [("", "arts"), *rows, (story("arts", 99), "")])
    with pytest.raises(
        InputError, match=r"row 'news.csv:1', column 'text': is empty; of 2 broken rows it is the first"
    ):
        load(dataset="news.csv")
    articles = load(dataset="news.csv", drop_broken_rows=True)
    assert (articles.findings["rows"], articles.findings["broken_rows_dropped"]) == (18, 2)
    assert sorted(articles.table["row_id"][:]) == sorted(f"news.csv:{number}" for number in range(2, 18))
    write_csv(tmp_path / "news.csv", [("", "arts"), (" ", "sport")])
    with pytest.raises(InputError, match=r"news.csv: every row is broken; the first, 'news.csv:1', is empty"):
        load(dataset="news.csv", drop_broken_rows=True)


def test_each_side_has_at_most_as_many_rows_as_asked_for(tmp_path):
    write_csv(tmp_path / "news.csv", stories("arts", "sport", each=20))
    whole, small = load(dataset="news.csv"), load(dataset="news.csv", max_train_samples=10, max_eval_samples=2)
    assert small.sizes() == {"train": 10, "validation": 2, "test": 2}
    assert all(texts(small, side) <= texts(whole, side) for side in small.sizes())
    assert small.counts()["sides"]["train"] == {"arts": 5, "sport": 5}
    assert load(dataset="news.csv", max_train_samples=1000).split == whole.split


def test_data_to_evaluate_are_taken_as_they_are(three_sides, tmp_path):
    assert load_test_articles(DataArguments(dataset="news")).sizes() == {"train": 0, "validation": 0, "test": 5}
    assert load_test_articles(DataArguments(dataset="news"), every_row=True).sizes()["test"] == 21
    path = write_csv(tmp_path / "one.csv", [("a goal", "sport")] * 3)
    assert load_test_articles(DataArguments(dataset=path)).split.test == ["one.csv:1", "one.csv:2", "one.csv:3"]


def test_any_script_goes_all_the_way(tmp_path):
    words = {"رياضة": "‏فاز الفريق בַּמִּשְׂחָק", "新闻": "股市 下跌 👩‍👩‍👧", "e\u0301te\u0301": "le\u0301ger ค่ำ नमस्ते"}
    rows = [(f"{text} {number}", label) for label, text in words.items() for number in range(10)]
    path = write_csv(tmp_path / "أخبار 📰.csv", rows, fields=("النص", "类别"))
    articles = load(dataset=path, text_column=["النص"], label_column="类别")
    assert articles.label_names == ["e\u0301te\u0301", "رياضة", "新闻"]
    assert set().union(*(texts(articles, side) for side in articles.sizes())) == {text for text, _ in rows}
    assert articles.provenance["name"] == "أخبار 📰.csv"
