"""Where a configuration stands: found by its options, told from its own side, and never another one's."""

from pathlib import Path

import pytest

from bbc_classifier.comparison.results import results
from bbc_classifier.errors import InputError
from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.card_sentences import compared
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.standing import find_standing, standing
from bbc_classifier.records import write_json
from tests.comparison.finished_cells import answers, cell

# Of thirty articles cls gets 30 right, mean 20, and TF-IDF 29.
CELLS = [
    cell(answers()),
    cell(answers(range(10)), pooling="mean"),
    cell(answers([3]), baseline="tfidf-svm"),
]
RESULTS = results(CELLS, {}, {})


def test_a_configuration_is_found_by_its_options_whatever_its_seed_and_fold():
    found = standing(RESULTS, cell(answers(), seed=7, fold=3, folds=5).record)
    assert found is not None and found.row["name"] == "bert-cls"
    assert found.baseline is not None and found.baseline["name"] == "tfidf-svm"
    assert found.tied == ["tfidf-svm"] and (found.group, found.groups) == (1, 2)
    assert standing(RESULTS, cell(answers(), learning_rate=3e-5).record) is None
    assert standing(RESULTS, cell(answers(), pooling="max").record) is None


def test_the_difference_is_told_from_the_configurations_own_side():
    better, worse = (standing(RESULTS, each.record) for each in CELLS[:2])
    assert better is not None and worse is not None
    # 30 less 29, and 20 less 29, of 30 articles: 3.33 and -30 points.
    assert "Against tfidf-svm, the better TF-IDF: +3.33 points (" in compared(better)
    assert "not significant" in compared(better)
    text = compared(worse)
    assert "-30.00 points (" in text and text.endswith(": significant.")
    low, high = (float(part) for part in text.partition("points (")[2].partition(")")[0].split(" to "))
    assert low < -30 < high < 0
    assert (worse.group, worse.tied) == (2, [])


def test_a_comparison_that_is_named_must_know_the_configuration(tmp_path):
    write_json(tmp_path / "results.json", RESULTS)
    run = FinishedRun(Path("here"), cell(answers(), pooling="max").record)
    with pytest.raises(InputError, match=r"no configuration in .*; it has bert-cls, tfidf-svm, bert-mean"):
        find_standing(run, str(tmp_path))
    with pytest.raises(InputError, match=r"has no results\.json"):
        find_standing(run, str(tmp_path / "nowhere"))


@pytest.mark.parametrize("content", ["7", "[]", '{"accuracy": 1}'])
def test_results_of_another_kind_are_not_a_comparisons(tmp_path, content):
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    run = FinishedRun(tmp_path / "runs" / "run", CELLS[0].record)
    assert find_standing(run, None) is None
    with pytest.raises(InputError, match=r"has no results\.json"):
        find_standing(run, str(tmp_path))


def test_damaged_results_are_named(tmp_path):
    file, run = tmp_path / "results.json", FinishedRun(tmp_path / "runs" / "run", CELLS[0].record)
    file.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"results\.json' is damaged: Expecting"):
        find_standing(run, str(tmp_path))
    write_json(file, {**RESULTS, "pairs": [7]})
    with pytest.raises(InputError, match=r"results\.json' is damaged: pairs\[0\] is the number 7 where an object is"):
        find_standing(run, str(tmp_path))


def test_a_run_on_part_of_the_rows_is_not_the_configuration():
    assert standing(RESULTS, cell(answers(), size=50).record) is None


def test_a_cell_of_a_comparison_knows_it_by_itself(tmp_path):
    write_json(tmp_path / "results.json", RESULTS)
    write_json(tmp_path / "comparison.json", {})
    of_it = FinishedRun(tmp_path / "runs" / "bert-cls-seed42", CELLS[0].record)
    found = find_standing(of_it, None)
    assert found is not None and found.row["name"] == "bert-cls"
    assert find_standing(FinishedRun(tmp_path / "elsewhere", CELLS[0].record), None) is None


def test_the_card_shows_it(record):
    found = standing(RESULTS, CELLS[0].record)
    card = model_card(record, "ann/news", CardArguments(license="mit"), standing=found)
    assert "rank group 1 of 2" in card and "| tfidf-svm | 0.9667 |" in card and "| bert-cls | 1.0000 |" in card
    assert "Not compared" not in card
