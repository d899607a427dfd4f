"""`python -m bbc_classifier` and `accelerate launch -m bbc_classifier`."""

from bbc_classifier.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
