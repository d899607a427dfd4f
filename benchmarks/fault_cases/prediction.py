"""A bulk prediction of many short rows with ids, some of them bad, and whether two of them left the same."""

import json
from dataclasses import dataclass
from pathlib import Path

from fault_cases.material import TOPICS, Material, run_well
from fault_cases.sameness import differences, leftovers

from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json

SHARD_ROWS, EVERY_BAD = 250, 97
# What of a summary is no time.
FIGURES = ("rows", "bad_rows", "truncated", "labels", "shards")


@dataclass(frozen=True)
class Prediction:
    """A classifier and rows."""

    classifier: Path
    rows: Path

    def into(self, folder: Path) -> list[str]:
        """Return the command that answers the rows into a folder, and goes on in it."""
        command = ["predict", "--model", str(self.classifier), "--input", str(self.rows)]
        return [*command, "--shard_rows", f"{SHARD_ROWS}", "--output", str(folder)]


def make_prediction(material: Material, folder: Path, rows: int) -> Prediction:
    """Train a classifier and write the rows."""
    run_well(material.train(folder / "classifier", steps=4, every=4))
    words = list(TOPICS.values())
    with (folder / "rows.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for row in range(rows):
            text = "" if row % EVERY_BAD == 0 else f"the {words[row % len(words)]} {row}"
            file.write(json.dumps({"id": f"n{row}", "text": text}) + "\n")
    return Prediction(folder / "classifier", folder / "rows.jsonl")


def other_answers(whole: Path, other: Path) -> list[str]:
    """Return what differs between two folders of answers but for times: files, and figures of the summary."""
    one, two = (read_json(place / "summary.json") for place in (whole, other))
    same = all(one[name] == two[name] for name in FIGURES)
    hashes = [file_sha256(place / "bad_rows.jsonl") for place in (whole, other)]
    files = [name for name in differences(whole, other) if name != "summary.json"]
    return files + leftovers(other) + ([] if same and hashes[0] == hashes[1] else ["summary.json"])
