"""The reference recipe in the default one's five folds, seed by seed: `python scripts/cross_validate_reference.py`.

Everything is trained, in fp32, fifteen times; an interrupted call goes on with the fold it was at.
"""

import logging
from pathlib import Path

from bbc_classifier.training.cross_validation import cross_validate
from bbc_classifier.training.recipe_arguments import recipe_arguments

FOLDS = 5
SEEDS = (42, 43, 44)

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    for seed in SEEDS:
        name = f"reference-seed{seed}-5-folds"
        record = Path("results") / f"{name}.json"
        options = recipe_arguments("reference", seed=seed, disable_tqdm=True)
        content = cross_validate(*options, folds=FOLDS, output_dir=Path("runs") / name, record=record)
        print(f"out of fold: {content['out_of_fold']['correct']} of {content['out_of_fold']['n']} correct")
        print(f"Written: {record}")
