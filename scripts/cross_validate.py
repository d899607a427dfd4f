"""The default recipe in five folds over the distinct BBC News articles: `python scripts/cross_validate.py`."""

import logging
from pathlib import Path

from bbc_classifier.training.cross_validation import cross_validate
from bbc_classifier.training.recipe_arguments import recipe_arguments

FOLDS = 5
RUNS = Path("runs") / "minilm-mean-5-folds"
RECORD = Path("results") / "minilm-mean-5-folds.json"

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    content = cross_validate(*recipe_arguments("default"), folds=FOLDS, output_dir=RUNS, record=RECORD)
    accuracy = content["out_of_fold"]["metrics"]["accuracy"]
    low, high = content["out_of_fold"]["intervals"]["accuracy"]
    print(f"out of fold: accuracy {accuracy:.4f} ({low:.4f} to {high:.4f}), n = {content['out_of_fold']['n']}")
    print(f"Written: {RECORD}")
