"""The recipes against each other on the same five folds, from their records: `python scripts/compare_recipes.py`."""

from pathlib import Path

from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.recipe_comparison import compare_recipes

RESULTS = Path("results")
RECORD = RESULTS / "recipes.json"
RECORDS = {
    "accurate": [RESULTS / "accurate-5-folds.json"],
    "default": [RESULTS / "minilm-mean-5-folds.json"],
    "reference": [RESULTS / f"reference-seed{seed}-5-folds.json" for seed in (42, 43, 44)],
    "TF-IDF": [RESULTS / "tfidf-5-folds.json"],
}
PAIRS = [
    ("default", "reference"),
    ("default", "TF-IDF"),
    ("reference", "TF-IDF"),
    ("accurate", "TF-IDF"),
    ("accurate", "default"),
]

if __name__ == "__main__":
    content = compare_recipes(RECORDS, PAIRS, DataArguments(), folds=5, record=RECORD)
    for pair in content["pairs"]:
        points, bound = 100 * pair["difference"], 100 * pair["lower_bound"]
        errors = f"{pair['first_errors']:.1f} errors against {pair['second_errors']:.1f}"
        print(f"{pair['first']} less {pair['second']}: {points:+.2f} points, at least {bound:+.2f}; {errors}")
    print(f"Written: {RECORD}")
