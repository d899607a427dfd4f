"""The TF-IDF baseline in the five folds of the default recipe: `python scripts/cross_validate_tfidf.py`."""

import logging
from pathlib import Path

from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.baselines import cross_validate_tfidf

FOLDS = 5
RECORD = Path("results") / "tfidf-5-folds.json"

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    report = cross_validate_tfidf(DataArguments(), folds=FOLDS, record=RECORD)["out_of_fold"]
    print(f"out of fold: {report['correct']} of {report['n']} correct")
    print(f"Written: {RECORD}")
