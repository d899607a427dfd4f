"""Results worked out by hand on thirty examples, and runs that cannot be compared."""

import numpy as np
import pytest

from bbc_classifier.compare.report import summary
from bbc_classifier.compare.results import compute_results, load_runs, merge_runs
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.statistics import wilson_interval
from bbc_classifier.io import write_json
from tests.compare.conftest import write_run

HALVES = (range(15), range(15, 30))


def computed(root):
    return compute_results(load_runs([root]))


def test_metrics_are_means_over_seeds_with_an_interval_per_seed(tmp_path):
    write_run(tmp_path, [0], seed=1)
    write_run(tmp_path, [0, 1, 2], seed=2)
    (row,) = computed(tmp_path)["configurations"]
    assert row["mean"]["accuracy"] == pytest.approx(28 / 30)
    assert row["std"]["accuracy"] == pytest.approx(np.std([29 / 30, 27 / 30], ddof=1))
    intervals = [wilson_interval(29, 30), wilson_interval(27, 30)]
    assert [seed["intervals"]["accuracy"] for seed in row["per_seed"]] == intervals
    assert row["accuracy_interval"] == [intervals[1][0], intervals[0][1]]
    assert row["by_length"]["whole"]["accuracy"] == pytest.approx(0.5015)  # of 0.501 and 0.502
    # Examples 0 and 1 are a and b; a wrong prediction is the next label.
    assert row["confusion_matrix"]["counts"] == [[18, 2, 0], [0, 19, 1], [1, 0, 19]]
    expected = {"tp": 18, "fp": 1, "fn": 2, "precision": 18 / 19, "recall": 18 / 20, "f1": 36 / 39}
    assert row["per_class"]["a"] == pytest.approx(expected)
    assert row["milliseconds_per_text"] == pytest.approx(2000 / 30)
    assert row["per_seed"][0]["metrics"]["log_loss"] == pytest.approx(-(29 * np.log(0.8) + np.log(0.1)) / 30)
    assert row["per_seed"][0]["metrics"]["expected_calibration_error"] == pytest.approx(29 / 30 - 0.8)


def test_the_summary_starts_with_the_comparison_to_tfidf(tmp_path):
    write_run(tmp_path, [0])
    write_run(tmp_path, range(25), pooling="mean")
    write_run(tmp_path, range(12), baseline="tfidf-svm")
    write_run(tmp_path, range(14), baseline="tfidf-logistic")
    results = computed(tmp_path)
    assert results["vs_baseline"] == {"baseline": "tfidf-svm", "better": ["bert-cls"], "worse": ["bert-mean"]}
    verdict = " ".join(summary(results))
    assert all(part in verdict for part in ("29 of 30", "11 more than tfidf-svm", "p = 0.", "3.0 seconds"))


def test_pairs_are_ranked_tested_and_grouped(tmp_path):
    write_run(tmp_path, range(20), pooling="mean")
    write_run(tmp_path, [25])
    write_run(tmp_path, [3, 4], pooling="max")
    results = computed(tmp_path)
    assert [row["name"] for row in results["configurations"]] == ["bert-cls", "bert-max", "bert-mean"]
    pairs = {(pair["first"], pair["second"]): pair for pair in results["pairs"]}
    close, far = pairs["bert-cls", "bert-max"], pairs["bert-cls", "bert-mean"]
    assert close["diff_pp"] == pytest.approx(100 / 30) and close["diff_rows"] == pytest.approx(1)
    assert close["p_value"] == pytest.approx(1.0) and not close["different"]
    # One against 20 discordant examples: 2 * (1 + 21) / 2 ** 21, and the second smallest of three p-values.
    assert far["p_value"] == pytest.approx(44 / 2**21) and far["different"]
    assert far["p_value_holm"] == pytest.approx(2 * far["p_value"])
    assert [row["groups"] for row in results["configurations"]] == ["a", "a", "b"]


def test_effects_are_within_each_encoder_and_over_all_that_have_both(tmp_path):
    write_run(tmp_path, [0])
    write_run(tmp_path, [0, 1, 2], pooling="mean")
    for pooling in ("cls", "mean"):
        write_run(tmp_path, [5], encoder="other", pooling=pooling)
    write_run(tmp_path, [7], encoder="third", pooling="mean")
    results = computed(tmp_path)
    poolings = {row["within"]: row for row in results["pooling_effects"]}
    assert set(poolings) == {"bert", "other", "every encoder"}
    assert poolings["bert"]["diff_pp"] == pytest.approx(100 * 2 / 30)
    assert poolings["other"]["interval"] == [0, 0]
    assert poolings["every encoder"]["diff_pp"] == pytest.approx(100 * 1 / 30)
    # Two examples, half a step each: two of four sign patterns are as far from 0.
    assert poolings["every encoder"]["p_value"] == pytest.approx(0.5)
    assert [row["within"] for row in results["encoder_effects"] if row["second"] == "third"] == ["mean", "mean"]


def test_hardest_examples_and_classes_leave_baselines_out(tmp_path):
    write_run(tmp_path, [4, 9])
    write_run(tmp_path, [4], pooling="mean")
    write_run(tmp_path, [11], baseline="tfidf-svm")
    results = computed(tmp_path)
    hardest = results["hardest_examples"]
    assert [(row["row_id"], row["wrong_share"]) for row in hardest] == [("row 004", 1.0), ("row 009", 0.5)]
    assert (hardest[0]["label"], hardest[0]["most_common_prediction"]) == ("b", "c")
    assert [row["label"] for row in results["classes"]] == ["b", "c", "a"] and results["classes"][0]["support"] == 10


def test_folds_give_one_prediction_per_example_and_seeds_without_all_folds_are_left_out(tmp_path):
    for seed, wrong, folds in ((2, [3, 20], (1, 0)), (1, [4], (0, 1)), (3, [], (0,))):
        for fold in folds:
            write_run(tmp_path, wrong, seed=seed, fold=fold, folds=2, rows=HALVES[fold])
    runs = load_runs([tmp_path])
    for ordered in (runs, runs[::-1]):
        (config,), incomplete = merge_runs(ordered)
        seeds = [seed_runs[0].options["seed"] for seed_runs in config.runs]
        wrong = {seed: np.flatnonzero(~row).tolist() for seed, row in zip(seeds, config.is_correct, strict=True)}
        assert wrong == {1: [4], 2: [3, 20]}
        assert incomplete == {"bert-cls": "folds of seed 3 are missing"} and config.probabilities.shape == (2, 30, 3)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({}, {}, "same run of bert-cls"),
        ({}, {"pooling": "mean", "fingerprint": "0"}, "different data"),
        ({}, {"pooling": "mean", "rows": range(29), "size": 5}, "other examples"),
        ({}, {"fold": 0, "folds": 2, "rows": HALVES[0]}, "different data or folds"),
        ({}, {"seed": 1, "learning_rate": 1e-4}, "differ in --learning_rate"),
        ({"fold": 1, "folds": 2}, {"pooling": "mean", "fold": 0, "folds": 2}, "all its folds"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(first, second, message, tmp_path):
    paths = [write_run(tmp_path / "one", **first), write_run(tmp_path / "two", **second)]
    with pytest.raises(UserError, match=message):
        merge_runs(load_runs(paths))
    with pytest.raises(UserError, match="no finished run"):
        load_runs([paths[0] / "predictions"])
    write_json(paths[0] / "record.json", {"evaluation": {"validation": {}}})
    with pytest.raises(UserError, match="test rows"):
        load_runs(paths[:1])
