"""What the README says of the committed comparisons, from their records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bbc_classifier.comparison.duplicates_worth import BASELINE
from bbc_classifier.comparison.sentences import verdict
from bbc_classifier.comparison.tables import interval_text
from bbc_classifier.markdown import escape_markdown
from bbc_classifier.records import read_json

COMPARISONS = {"fine-tuned": "minilm-poolings", "encoder as it is, head fitted": "minilm-poolings-probe"}
DUPLICATES = "duplicates-worth.json"
CALLED = {"encoder": "The default recipe", BASELINE: "TF-IDF and a linear SVM"}


def read_comparisons(results: Path) -> dict[str, Any]:
    """Return the committed comparisons by how their encoders were trained, and what duplicates are worth."""
    content = {how: read_json(results / "comparisons" / name / "results.json") for how, name in COMPARISONS.items()}
    return {"comparisons": content, "duplicates": read_json(results / DUPLICATES)}


def comparison_section(records: Mapping[str, Any]) -> str:
    """Return a table of the poolings, what the tests say of them, and what duplicates are worth.

    Args:
        records: What `read_comparisons` returns.
    """
    comparisons = records["comparisons"]
    protocol = next(iter(comparisons.values()))["protocol"]
    head = [f"{how}: accuracy in % | group" for how in comparisons]
    lines = [
        f"MiniLM on BBC News, {protocol['articles']:,} articles, each predicted out of {protocol['folds']} folds; 95 % "
        "intervals in brackets. Configurations of a column that share a letter are not told apart.",
        "",
        f"| | {' | '.join(head)} |",
        f"|---|{'---|---|' * len(head)}",
        *_rows(comparisons),
        "",
        *(f"- **{how.capitalize()}.** {escape_markdown(verdict(each))}" for how, each in comparisons.items()),
        "",
        duplicates_sentence(records["duplicates"]),
        "",
    ]
    return "\n".join(lines)


def duplicates_sentence(duplicates: Mapping[str, Any]) -> str:
    """Return what a naive split adds, with intervals.

    Args:
        duplicates: The record of `duplicates_worth`.
    """
    spoken = ". ".join(_on_both(CALLED[name], groups) for name, groups in duplicates["classifiers"].items())
    return (
        f"**What duplicates are worth.** In {duplicates['protocol']}, {duplicates['leaked']:,} of "
        f"{duplicates['rows']:,} articles are answered by a model that was trained on a copy or near copy of them. "
        f"{spoken} (`python scripts/duplicates_worth.py`)."
    )


def _on_both(name: str, groups: Mapping[str, Any]) -> str:
    """Return what one classifier gets right of the leaked and of the other articles, naive and honest."""
    leaked, clean, whole = groups["leaked"], groups["clean"], groups["all"]
    added = 100 * (whole["naive"]["accuracy"] - whole["honest"]["accuracy"])
    return (
        f"{name} gets {_share(leaked['naive'])} of the leaked articles right and {_share(clean['naive'])} of the "
        f"others; where no copy was seen, {_share(leaked['honest'])} and {_share(clean['honest'])}. Over all that is "
        f"{added:+.2f} points"
    )


def _rows(comparisons: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a row per configuration, in the order of the first comparison."""
    tables = [{row["name"]: row for row in each["configurations"]} for each in comparisons.values()]
    return [
        f"| {escape_markdown(name)} | {' | '.join(_cells(table.get(name)) for table in tables)} |" for name in tables[0]
    ]


def _cells(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return " | "
    seeds = f", {len(row['seeds'])} seeds" if len(row["seeds"]) > 1 else ""
    return f"{100 * row['mean']['accuracy']:.2f} ({interval_text(row)}{seeds}) | {row['letters']}"


def _share(score: Mapping[str, Any]) -> str:
    low, high = score["interval"]
    return f"{100 * score['accuracy']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
