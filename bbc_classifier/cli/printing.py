"""What commands print: tables of figures, paths, answers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bbc_classifier.shapes import COUNT, INTERVAL, NUMBER, Shape

if TYPE_CHECKING:
    from bbc_classifier.hub.repository import Published
    from bbc_classifier.inference.classifier import Prediction

# Of more classes than this a person sees those with the lowest F1.
MOST_CLASSES = 30
# What a report must hold to be printed: one may come from a file that is years old, or damaged.
EVALUATION: Shape = {
    "n": COUNT,
    "metrics": {str: NUMBER},
    "intervals": {str: (None, INTERVAL)},
    "per_class": {str: {"f1": NUMBER, str: (None, NUMBER)}},
}
NO_LABEL = "(no label: below what was asked for)"


def print_evaluation(report: dict[str, Any]) -> None:
    """Print the figures of a report, and those of each class."""
    table = Table(title=f"Test, n = {report['n']}", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, value in report["metrics"].items():
        interval = report["intervals"].get(name)
        table.add_row(
            name.replace("_", " "), f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        )
    classes = Table(box=None, pad_edge=False)
    classes.add_column("class")
    # Whatever the report has of each class: a multi-label one has average precision and threshold too.
    per_class = report["per_class"]
    for column in next(iter(per_class.values()), {}):
        classes.add_column({"support": "n"}.get(column, column.replace("_", " ")), justify="right")
    lowest = set(sorted(per_class, key=lambda name: per_class[name]["f1"])[:MOST_CLASSES])
    for name, row in per_class.items():
        if name in lowest:
            classes.add_row(name, *(_number(value) for value in row.values()))
    # Names of labels may look like markup.
    console = Console(width=100, highlight=False, markup=False)
    console.print(table)
    console.print()
    console.print(classes)
    if len(per_class) > len(lowest):
        console.print(f"These {len(lowest)} of {len(per_class)} classes have the lowest F1; the record has all.")


def print_comparison(results: dict[str, Any]) -> None:
    """Print the first sentences of a comparison, and each configuration's accuracy."""
    from bbc_classifier.comparison.sentences import opening
    from bbc_classifier.comparison.tables import interval_text

    console = Console(width=100, highlight=False, markup=False)
    for sentence in opening(results):
        console.print(sentence)
    table = Table(box=None, pad_edge=False)
    for column in ("configuration", "group", "accuracy in %", "95 % interval", "seconds of training"):
        table.add_column(column, justify="left" if column == "configuration" else "right")
    for row in results["configurations"]:
        accuracy, seconds = 100 * row["mean"]["accuracy"], row["cost"]["train_seconds"]
        took = "" if seconds is None else f"{seconds:.1f}"
        table.add_row(row["name"], row["letters"], f"{accuracy:.2f}", interval_text(row), took)
    console.print()
    console.print(table)


def print_answers(answers: "Sequence[Prediction]", form: str) -> None:
    """Print one line an answer: to read, or as JSON."""
    for answer in answers:
        if form == "json":
            print(json.dumps({**vars(answer)}))
        else:
            every = "  ".join(f"{name} {share:.3f}" for name, share in answer.probabilities.items())
            print(f"{', '.join(answer.labels) or answer.label:<14} {answer.confidence:.3f}   ({every})")


def print_label_counts(counts: Mapping[str, int], rows: int) -> None:
    """Print how many rows got each label."""
    print(f"\nClassified: {rows:,} rows\n")
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    print_pairs([(label or NO_LABEL, f"{count:,}") for label, count in ordered])


def print_pairs(pairs: list[tuple[str, str]]) -> None:
    """Print two columns."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for pair in pairs:
        table.add_row(*pair)
    Console(width=100, highlight=False, markup=False).print(table)


def print_published(repo_id: str, published: "Published") -> None:
    """Print where a classifier is, and how to load it."""
    verb = "Published" if published.changed else "Already there, unchanged"
    print(f"\n{verb}: {published.pull_request or published.url} (commit {published.commit[:12]})")
    for path in published.removed:
        print(f"  no longer there: {path}")
    revision = f" --revision {published.revision}" if published.revision else ""
    print(f'Next: bbc-classifier predict --model {repo_id}{revision} "Shares fell in early trading."')


def print_written(paths: dict[str, Path]) -> None:
    """Print what was written where."""
    print("\nWritten:")
    for name, path in paths.items():
        print(f"  {name:<12} {path}")


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
