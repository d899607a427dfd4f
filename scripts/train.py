"""`accelerate launch scripts/train.py …` takes the options of `bbc-classifier train`."""

import sys

from bbc_classifier.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["train", *sys.argv[1:]]))
