"""The options that choose and cut the data."""

from dataclasses import dataclass, field

from bbc_classifier.model.truncation import TRUNCATIONS


@dataclass
class DataArguments:
    """Which articles, which rows on which side, and how much of each text."""

    dataset: str = field(default="bbc-news", metadata={"help": "Data set: 'bbc-news' (the offline package)."})
    max_length: int = field(default=128, metadata={"help": "Longest input in tokens, special tokens included."})
    truncation: str = field(
        default="head", metadata={"help": "Which end of a longer text is kept.", "choices": list(TRUNCATIONS)}
    )
    validation_fraction: float = field(default=0.15, metadata={"help": "Share of the articles that validates."})
    test_fraction: float = field(default=0.15, metadata={"help": "Share of the articles that tests."})
    split_seed: int = field(default=42, metadata={"help": "Seed of the split; independent of --seed."})
    folds: int | None = field(default=None, metadata={"help": "Cut this many folds instead of one split."})
    fold: int | None = field(default=None, metadata={"help": "Which of --folds tests, counted from 0."})
