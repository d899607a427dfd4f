"""Short articles made of a counter and a label's own words, no two of them nearly the same; and files of them."""

import csv
from collections.abc import Sequence
from pathlib import Path

WORDS = ["market", "match", "film", "vote", "phone", "goal", "music", "party", "shares", "software", "team"]
FIELDS = ("text", "label")


def story(label: str, number: int) -> str:
    """Return the text of an article; two share no five words in a row."""
    return " ".join(f"{word}{number}{label}" for word in WORDS)


def stories(*labels: str, each: int = 6, start: int = 0) -> list[tuple[str, str]]:
    """Return (text, label) of `each` articles of every label."""
    return [(story(label, number), label) for number in range(start, start + each) for label in labels]


def write_csv(path: Path, rows: Sequence[Sequence[str]], fields: Sequence[str] = FIELDS) -> str:
    """Write rows under a header; return the path as a flag takes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([fields, *rows])
    return str(path)
