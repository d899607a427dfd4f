"""The committed comparisons: their reports are what their records give, and no title of an article is in them."""

import runpy
from pathlib import Path

import pytest

from bbc_classifier.comparison.finished import find_finished
from bbc_classifier.comparison.markdown import markdown
from bbc_classifier.comparison.readme_section import comparison_section, duplicates_sentence
from bbc_classifier.comparison.report import table
from bbc_classifier.comparison.results import results
from bbc_classifier.records import read_json

ROOT = Path(__file__).parents[2]
COMMANDS = runpy.run_path(str(ROOT / "scripts" / "comparison_reports.py"))["COMMANDS"]
COMPARISONS = ROOT / "results" / "comparisons"


def test_every_committed_comparison_is_one_that_the_script_writes():
    assert {path.name for path in COMPARISONS.iterdir()} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_committed_report_is_that_of_its_records(name):
    folder = COMPARISONS / name
    committed = read_json(folder / "results.json")
    again = results(find_finished([folder]), read_json(folder / "failures.json"), committed["not_applicable"])
    assert again["configurations"] == committed["configurations"]
    assert again["pairs"] == committed["pairs"]
    assert again["verdict"] == committed["verdict"] and again["pooling_effects"] == committed["pooling_effects"]
    assert (folder / "report.md").read_text(encoding="utf-8") == markdown(committed)
    assert (folder / "results.csv").read_text(encoding="utf-8") == table(committed)
    assert all(row["title"] == "" for row in committed["hardest"])
    assert not (folder / "titles.json").exists()
    assert all(commit and "+" not in commit for commit in committed["data"]["commits"])


def test_the_readme_names_leaked_and_clean_articles_apart():
    score = {"accuracy": 0.5, "interval": [0.4, 0.6], "correct": 5, "rows": 10}
    better = {**score, "accuracy": 0.9, "interval": [0.8, 1.0]}
    groups = {"leaked": {"naive": better, "honest": score}, "clean": {"naive": score, "honest": score}}
    groups["all"] = {"naive": {**score, "accuracy": 0.55}, "honest": score}
    record = {"classifiers": {"encoder": groups}, "leaked": 3, "rows": 20, "protocol": "2 naive folds"}
    text = duplicates_sentence(record)
    assert "In 2 naive folds, 3 of 20 articles" in text and "Over all that is +5.00 points" in text
    assert "90.0 % (80.0 to 100.0) of the leaked articles right and 50.0 % (40.0 to 60.0) of the others" in text


def test_a_configuration_of_one_comparison_only_leaves_a_gap_in_the_other():
    content = read_json(COMPARISONS / "minilm-poolings-probe" / "results.json")
    fewer = {**content, "configurations": content["configurations"][1:]}
    score = {"accuracy": 0.5, "interval": [0.4, 0.6]}
    groups = {group: {"naive": score, "honest": score} for group in ("all", "leaked", "clean")}
    duplicates = {"classifiers": {"encoder": groups}, "leaked": 1, "rows": 2, "protocol": "2 folds"}
    text = comparison_section({"comparisons": {"one": content, "two": fewer}, "duplicates": duplicates})
    name = content["configurations"][0]["name"]
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    assert row.endswith("| a |  |  |")
