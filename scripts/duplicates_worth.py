"""What a naive split adds to the default recipe's accuracy, and to TF-IDF's: `python scripts/duplicates_worth.py`.

The answers of folds without leaks are those of the committed records.
"""

import logging
from pathlib import Path

from bbc_classifier.comparison.duplicates_worth import BASELINE, duplicates_worth
from bbc_classifier.records import read_json
from bbc_classifier.training.recipe_arguments import recipe_arguments

RESULTS = Path("results")
RECORD = RESULTS / "duplicates-worth.json"
HONEST = {"encoder": RESULTS / "minilm-mean-5-folds.json", BASELINE: RESULTS / "tfidf-5-folds.json"}

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    honest = {name: read_json(file)["predictions"] for name, file in HONEST.items()}
    content = duplicates_worth(*recipe_arguments("default"), folds=5, honest=honest, record=RECORD)
    for name, groups in content["classifiers"].items():
        for group, scores in groups.items():
            naive, other = scores["naive"]["accuracy"], scores["honest"]["accuracy"]
            print(f"{name}, {group} ({scores['rows']} rows): {naive:.4f} on naive folds, {other:.4f} on honest ones")
    print(f"Written: {RECORD}")
