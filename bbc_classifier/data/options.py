"""The options that choose, name and cut the data."""

from dataclasses import dataclass, field

from bbc_classifier.model.truncation import TRUNCATIONS


@dataclass
class ColumnArguments:
    """Which columns of a file hold what."""

    text_column: list[str] | None = field(
        default=None, metadata={"help": "Column of the text; several are joined by line breaks. Unset: by its name."}
    )
    delimiter: str | None = field(
        default=None, metadata={"help": "Between the columns; unset, a comma in .csv and a tab in .tsv."}
    )


@dataclass
class DataArguments(ColumnArguments):
    """Which articles, which rows on which side, and how much of each text."""

    dataset: str = field(
        default="bbc-news",
        metadata={
            "help": "'bbc-news' (the offline package); a CSV, TSV, JSON, JSONL or Parquet file, a glob or folder of "
            "them; a folder of class folders; or a Hub id."
        },
    )
    dataset_config: str | None = field(default=None, metadata={"help": "Configuration of a Hub data set."})
    dataset_revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub data set."})
    train_file: str | None = field(
        default=None, metadata={"help": "File or glob of the training rows; takes the place of --dataset."}
    )
    validation_file: str | None = field(
        default=None, metadata={"help": "File or glob of the validation rows; unset, cut from train."}
    )
    test_file: str | None = field(
        default=None, metadata={"help": "File or glob of the test rows; unset, cut from train."}
    )
    label_column: str | None = field(default=None, metadata={"help": "Column of the label; unset, by its name."})
    label_separator: str | None = field(
        default=None, metadata={"help": "What separates several labels in one cell; makes the data multi-label."}
    )
    label_map: list[str] | None = field(
        default=None,
        metadata={"help": "New names of labels: 0=business 1=sport …; or a YAML or JSON file of them."},
    )
    drop_broken_rows: bool = field(
        default=False, metadata={"help": "Leave out rows without a text or a label instead of refusing the data."}
    )
    near_duplicates: bool = field(
        default=True, metadata={"help": "Look for near duplicates and keep them on one side; off, for exact ones only."}
    )
    remove_leaks: bool = field(
        default=False,
        metadata={"help": "Drop rows of a ready-made train or validation side that also stand in test."},
    )
    max_train_samples: int | None = field(default=None, metadata={"help": "At most this many training rows."})
    max_eval_samples: int | None = field(
        default=None, metadata={"help": "At most this many validation, and this many test rows."}
    )
    max_length: int = field(default=128, metadata={"help": "Longest input in tokens, special tokens included."})
    truncation: str = field(
        default="head", metadata={"help": "Which end of a longer text is kept.", "choices": list(TRUNCATIONS)}
    )
    distinct_tokens: bool = field(
        default=False,
        metadata={"help": "Read each token of a text once, where it first stands: more of a long text in few tokens."},
    )
    validation_fraction: float = field(default=0.15, metadata={"help": "Share of the articles that validates."})
    test_fraction: float = field(default=0.15, metadata={"help": "Share of the articles that tests."})
    split_seed: int = field(default=42, metadata={"help": "Seed of the split; independent of --seed."})
    folds: int | None = field(default=None, metadata={"help": "Cut this many folds instead of one split."})
    fold: int | None = field(default=None, metadata={"help": "Which of --folds tests, counted from 0."})
