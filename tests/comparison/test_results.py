"""What is said of a comparison, worked out by hand on thirty articles."""

import numpy as np
import pytest

from bbc_classifier.comparison.results import results
from bbc_classifier.comparison.sentences import opening, verdict
from bbc_classifier.evaluation.intervals import wilson_interval
from tests.comparison.finished_cells import answers, cell


def said(*cells) -> dict:
    return results(cells, {}, {})


def of(content: dict, name: str) -> dict:
    return next(row for row in content["configurations"] if row["name"] == name)


def test_figures_are_means_over_seeds_with_an_interval_each():
    content = said(cell(answers([0]), seed=1), cell(answers([0, 1, 2]), seed=2))
    row = of(content, "bert-cls")
    assert row["mean"]["accuracy"] == pytest.approx(28 / 30)
    assert row["spread"]["accuracy"] == pytest.approx(np.std([29 / 30, 27 / 30], ddof=1))
    assert [seed["correct"] for seed in row["per_seed"]] == [29, 27]
    assert [seed["intervals"]["accuracy"] for seed in row["per_seed"]] == [
        wilson_interval(29, 30),
        wilson_interval(27, 30),
    ]
    assert row["interval_is_for"] == "these seeds"
    # Rows 0 and 1 are of a and b; each wrong one is given the next label.
    assert row["confusion_matrix"]["counts"] == [[18, 2, 0], [0, 19, 1], [1, 0, 19]]
    assert row["per_class"]["a"] == {
        "precision": 18 / 19,
        "recall": 18 / 20,
        "f1": pytest.approx(36 / 39),
        "support": 10,
    }
    assert row["cost"]["milliseconds_per_text"] == pytest.approx(2000 / 30)


def test_with_five_seeds_the_interval_is_for_seeds():
    content = said(*(cell(answers([seed]), seed=seed) for seed in range(5)))
    assert of(content, "bert-cls")["interval_is_for"] == "seeds"


def test_the_first_sentence_says_that_no_encoder_beats_words_alone():
    content = said(
        cell(answers([0])),
        cell(answers([1, 2]), baseline="tfidf-svm"),
        cell(answers([3, 4, 5]), baseline="tfidf-logistic"),
    )
    assert content["verdict"] == {"baseline": "tfidf-svm", "better": [], "worse": []}
    assert opening(content)[0] == verdict(content)
    assert verdict(content).startswith(
        "No encoder is significantly better here than TF-IDF with a linear model, tfidf-svm (93.33 %)"
    )


def test_the_first_sentence_names_those_that_do_and_those_that_are_worse():
    content = said(
        cell(answers([0])),
        cell(answers(range(25)), pooling="mean"),
        cell(answers(range(12)), baseline="tfidf-svm"),
    )
    assert content["verdict"] == {"baseline": "tfidf-svm", "better": ["bert-cls"], "worse": ["bert-mean"]}
    assert "Significantly better than TF-IDF with a linear model, tfidf-svm (60.00 %): bert-cls." in verdict(content)
    assert "Significantly worse: bert-mean." in verdict(content)


def test_without_a_baseline_nothing_is_said_of_it():
    assert "Nothing says here" in verdict(said(cell(answers())))


def test_effects_are_within_each_encoder_and_over_those_that_have_both():
    content = said(
        cell(answers([0])),
        cell(answers([0, 1, 2]), pooling="mean"),
        cell(answers([5]), encoder="other"),
        cell(answers([5]), encoder="other", pooling="mean"),
        cell(answers([7]), encoder="third", pooling="mean"),
    )
    poolings = {row["within"]: row for row in content["pooling_effects"]}
    assert set(poolings) == {"bert", "other", "every encoder"}
    assert {(row["first"], row["second"]) for row in poolings.values()} == {("cls", "mean")}
    assert poolings["bert"]["points"] == pytest.approx(100 * 2 / 30)
    assert poolings["other"]["points"] == 0 and poolings["other"]["interval"] == [0, 0]
    assert poolings["every encoder"]["points"] == pytest.approx(100 * 1 / 30)
    # Two articles each half a step, of four sign patterns two are as far from 0.
    assert poolings["every encoder"]["p_value"] == pytest.approx(0.5)
    encoders = {(row["first"], row["second"], row["within"]) for row in content["encoder_effects"]}
    assert encoders == {
        ("bert", "other", "cls"),
        ("bert", "other", "mean"),
        ("bert", "other", "every pooling"),
        ("bert", "third", "mean"),
        ("other", "third", "mean"),
    }


def test_the_hardest_articles_are_those_that_most_get_wrong_baselines_aside():
    content = said(
        cell(answers([4, 9])),
        cell(answers([4]), pooling="mean"),
        cell(answers([11]), baseline="tfidf-svm"),
    )
    assert [(row["row_id"], row["wrong_share"]) for row in content["hardest"]] == [("row 004", 1.0), ("row 009", 0.5)]
    assert (content["hardest"][0]["label"], content["hardest"][0]["taken_for"]) == ("b", "c")


def test_a_learning_curve_has_its_rows_in_order_and_only_where_there_is_one():
    assert said(cell(answers()))["learning_curves"] == []
    content = said(cell(answers([0])), cell(answers([0, 1, 2]), size=10, fingerprint="0" * 64))
    assert [(row["train_rows"], row["accuracy"]) for row in content["learning_curves"]] == [
        (10, pytest.approx(0.9)),
        (90, pytest.approx(29 / 30)),
    ]


def test_reliability_adds_up_to_the_calibration_error():
    content = said(cell(answers([0, 1, 2])))
    row = of(content, "bert-cls")
    gap = sum(each["rows"] * abs(each["accuracy"] - each["confidence"]) for each in row["reliability"]) / 30
    assert gap == pytest.approx(row["mean"]["expected_calibration_error"]) == pytest.approx(0.1)
