"""The baseline answers every row out of fold, from the words of the other rows alone."""

from dataclasses import replace

import numpy as np
import pytest

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.baselines import cross_validate_tfidf, tfidf_answers
from bbc_classifier.evaluation.intervals import wilson_interval
from bbc_classifier.records import read_json

WORDS = {"sport": "goal match team", "tech": "phone software web"}


@pytest.fixture
def options(tmp_path) -> DataArguments:
    """Thirty rows of two labels, one of which is called by the other's name."""
    rows = [f"the {words} number {number},{label}" for label, words in WORDS.items() for number in range(15)]
    rows[0] = rows[0].replace(",sport", ",tech")
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return DataArguments(dataset=str(tmp_path / "mine.csv"))


def test_every_row_is_answered_once_and_the_figures_are_those_of_the_answers(options, tmp_path):
    record = tmp_path / "results" / "tfidf.json"
    content = cross_validate_tfidf(options, folds=3, record=record)
    assert read_json(record) == content
    answers, report = content["predictions"], content["out_of_fold"]
    assert sorted(answers) == sorted(f"mine.csv:{number}" for number in range(1, 31))
    # Only the row with the wrong label is answered otherwise than it is called.
    assert answers["mine.csv:1"] == "sport"
    assert (report["n"], report["correct"]) == (30, 29)
    assert report["metrics"]["accuracy"] == 29 / 30
    assert report["intervals"]["accuracy"] == wilson_interval(29, 30)
    assert report["confusion_matrix"] == {"labels": ["sport", "tech"], "counts": [[14, 0], [1, 15]]}
    assert str(tmp_path) not in record.read_text(encoding="utf-8")


def test_the_folds_are_those_that_classifiers_are_trained_on(options, tmp_path):
    content = cross_validate_tfidf(options, folds=3, record=tmp_path / "tfidf.json")
    splits = [load_articles(replace(options, folds=3, fold=fold)).split for fold in range(3)]
    assert [fold["split_fingerprint"] for fold in content["folds"]] == [split.fingerprint for split in splits]


def test_the_labels_of_the_test_side_change_no_answer(options):
    articles = load_articles(replace(options, folds=3, fold=0))
    test = set(articles.split.test)
    labels = [
        1 - label if row_id in test else label
        for row_id, label in zip(articles.table["row_id"][:], articles.table["label"][:], strict=True)
    ]
    features = articles.table.features
    swapped = articles.table.remove_columns("label").add_column("label", labels).cast(features)
    other = replace(articles, table=swapped)
    assert np.array_equal(tfidf_answers(articles), tfidf_answers(other))


def test_rows_of_any_number_of_labels_are_refused(options, tmp_path):
    with pytest.raises(InputError, match="the TF-IDF baseline gives one label; these rows have any number"):
        cross_validate_tfidf(replace(options, label_separator=";"), folds=3, record=tmp_path / "tfidf.json")
    assert not (tmp_path / "tfidf.json").exists()
