"""Cells put together: every article once a seed, and nothing put beside what it cannot be compared with."""

import numpy as np
import pytest

from bbc_classifier.comparison.outcomes import put_together
from bbc_classifier.errors import InputError
from tests.comparison.finished_cells import answers, cell

HALVES = (range(15), range(15, 30))


def folded(*wrong: int, folds: tuple[int, ...] = (0, 1), **options: object) -> list:
    return [
        cell(answers(wrong, HALVES[fold]), fold=fold, folds=2, fingerprint=str(fold) * 64, **options) for fold in folds
    ]


def test_folds_become_one_answer_an_article_whatever_their_order():
    cells = [*folded(3, 20, seed=2), *folded(4, seed=1)]
    for given in (cells, cells[::-1]):
        (outcome,) = put_together(given).outcomes
        by_seed = dict(zip(outcome.seeds, outcome.right, strict=True))
        assert np.flatnonzero(~by_seed[2]).tolist() == [3, 20]
        assert np.flatnonzero(~by_seed[1]).tolist() == [4]
        assert outcome.probabilities.shape == (2, 30, 3)


def test_a_seed_that_lacks_a_fold_is_named_and_left_out():
    outcomes = put_together([*folded(seed=1), *folded(seed=2, folds=(0,))])
    assert outcomes.outcomes[0].seeds == [1]
    assert outcomes.incomplete == {"bert-cls": ["2"]}
    with pytest.raises(InputError, match="no configuration has all its folds"):
        put_together(folded(folds=(1,)))


def test_a_classifier_without_probabilities_has_none():
    outcomes = put_together([cell(answers()), cell(answers(), baseline="tfidf-svm")])
    assert {outcome.name: outcome.probabilities is None for outcome in outcomes.outcomes} == {
        "bert-cls": False,
        "tfidf-svm": True,
    }


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "there is no finished run"),
        ([cell(answers()), cell(answers(), pooling="mean", fingerprint="0" * 64)], "are of different data"),
        ([cell(answers()), cell(answers(rows=range(29)), pooling="mean", size=5)], "are of different data"),
        ([cell(answers()), cell(answers(), pooling="mean", labels=["a", "b", "c", "d"])], "are of different data"),
        ([cell(answers()), *folded()], "is of 2 folds, .* of the fixed split"),
        ([cell(answers()), cell(answers(), seed=1, learning_rate=1e-4)], "trained with another learning_rate"),
        ([cell(answers()), cell(answers())], "are the same cell of bert-cls"),
    ],
)
def test_what_does_not_go_together_is_refused(cells, message):
    with pytest.raises(InputError, match=message):
        put_together(cells)


def test_runs_limited_to_fewer_training_rows_have_another_split_and_stand_beside():
    outcomes = put_together([cell(answers()), cell(answers([1, 2]), size=9, fingerprint="0" * 64)])
    assert {(outcome.name, outcome.train_size) for outcome in outcomes.outcomes} == {
        ("bert-cls", None),
        ("bert-cls", 9),
    }
    assert list(outcomes.of_all_rows()) == ["bert-cls"]
