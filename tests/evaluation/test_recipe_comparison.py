"""The recipes' comparison from records: whose rows, whose folds, and what counts as not inferior."""

import json
from pathlib import Path

import pytest

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.recipe_comparison import compare_recipes, is_not_inferior

FOLDS = 2


@pytest.fixture
def data(tmp_path: Path) -> DataArguments:
    """Forty short articles of two classes."""
    rows = [{"text": f"{label} number {row}", "label": label} for row in range(20) for label in ("art", "zoo")]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return DataArguments(dataset=str(file), near_duplicates=False)


@pytest.fixture
def write_record(tmp_path: Path, data: DataArguments):
    """Return a function that writes a record in which the first `errors` rows are wrong."""

    def write(name: str, errors: int, fingerprint: str | None = None) -> Path:
        folds, truth = [], {}
        for fold in range(FOLDS):
            articles = load_articles(DataArguments(**{**vars(data), "folds": FOLDS, "fold": fold}))
            test = articles.side("test")
            truth |= {
                row: articles.label_names[label] for row, label in zip(test["row_id"], test["label"], strict=True)
            }
            folds.append({"split_fingerprint": fingerprint or articles.split.fingerprint})
        other = {"art": "zoo", "zoo": "art"}
        given = {
            row: other[label] if place < errors else label for place, (row, label) in enumerate(sorted(truth.items()))
        }
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"folds": folds, "predictions": given}), encoding="utf-8")
        return file

    return write


def test_recipes_are_compared_row_by_row(tmp_path, data, write_record):
    records = {"good": [write_record("good", 1)], "bad": [write_record("bad-1", 3), write_record("bad-2", 5)]}
    content = compare_recipes(records, [("good", "bad")], data, folds=FOLDS, record=tmp_path / "recipes.json")
    (pair,) = content["pairs"]
    assert (pair["rows"], pair["first_errors"], pair["second_errors"]) == (40, 1, 4)
    # The wrong rows of the one are among those of the other.
    assert pair["difference"] == pytest.approx(3 / 40)
    assert [(each["only_first"], each["only_second"]) for each in pair["mcnemar"]] == [(2, 0), (4, 0)]
    assert json.loads((tmp_path / "recipes.json").read_text())["records"]["bad"] == ["bad-1.json", "bad-2.json"]


def test_a_record_of_other_folds_is_refused(tmp_path, data, write_record):
    records = {"a": [write_record("a", 1)], "b": [write_record("b", 1, fingerprint="other")]}
    with pytest.raises(ValueError, match=r"b\.json is of other folds"):
        compare_recipes(records, [("a", "b")], data, folds=FOLDS, record=tmp_path / "recipes.json")


@pytest.mark.parametrize(
    ("difference", "lower_bound", "expected"),
    [(0.001, -0.004, True), (0.001, -0.006, False), (-0.0001, -0.002, False), (0.0, -0.005, True)],
)
def test_not_inferior_means_within_the_margin_and_no_less_accurate(difference, lower_bound, expected):
    assert is_not_inferior({"difference": difference, "lower_bound": lower_bound}) is expected
