"""The accurate recipe in the default one's five folds: `python scripts/cross_validate_accurate.py`."""

import logging
from pathlib import Path

from bbc_classifier.training.cross_validation import cross_validate
from bbc_classifier.training.recipe_arguments import recipe_arguments

FOLDS = 5
RUNS = Path("runs") / "accurate-5-folds"
RECORD = Path("results") / "accurate-5-folds.json"

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    content = cross_validate(*recipe_arguments("accurate"), folds=FOLDS, output_dir=RUNS, record=RECORD)
    print(f"out of fold: {content['out_of_fold']['correct']} of {content['out_of_fold']['n']} correct")
    print(f"Written: {RECORD}")
