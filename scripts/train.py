"""`accelerate launch scripts/train.py …`: the arguments of `bbc-classifier train`."""

import sys

from bbc_classifier.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["train", *sys.argv[1:]]))
