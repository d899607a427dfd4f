"""From options to articles on sides: the options are checked and the counts add up."""

import pytest

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError


def test_the_counts_add_up(bbc_articles):
    counts = bbc_articles.counts()
    assert (counts["rows"], counts["distinct"], counts["exact_duplicates_dropped"]) == (2225, 2121, 104)
    assert sum(sum(labels.values()) for labels in counts["sides"].values()) == 2121


def test_a_side_holds_its_rows_with_their_own_texts_and_labels(bbc_articles, bbc_table):
    label_of = dict(zip(bbc_table["row_id"][:], bbc_table["label"][:], strict=True))
    text_of = dict(zip(bbc_table["row_id"][:], bbc_table["text"][:], strict=True))
    for side in ("train", "validation", "test"):
        table = bbc_articles.side(side)
        row_ids = list(table["row_id"][:])
        assert row_ids == getattr(bbc_articles.split, side)
        assert list(table["label"][:]) == [label_of[row_id] for row_id in row_ids]
        assert list(table["text"][:]) == [text_of[row_id] for row_id in row_ids]


@pytest.mark.parametrize(
    "options", [{"folds": 5}, {"fold": 0}, {"folds": 5, "fold": 5}, {"folds": 5, "fold": -1}], ids=str
)
def test_folds_and_fold_go_together(options):
    with pytest.raises(InputError, match="--folds K and --fold I go together"):
        load_articles(DataArguments(**options))
