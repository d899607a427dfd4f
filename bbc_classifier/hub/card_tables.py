"""The tables and figures in words that a card shows: every one of them is read from the record."""

from collections.abc import Mapping
from typing import Any

from bbc_classifier.hub.card_metadata import METRICS
from bbc_classifier.hub.standing import Standing
from bbc_classifier.markdown import code, escape_markdown

Rows = list[list[str]]


def metrics_table(test: Mapping[str, Any]) -> Rows:
    """Return name, value and interval of every figure of a side's report."""
    return [
        [METRICS[key][1], _share(value), _interval(test["intervals"].get(key))]
        for key, value in test["metrics"].items()
    ]


def class_table(test: Mapping[str, Any]) -> Rows:
    """Return label, precision, recall, F1 and articles of each class."""
    return [
        [
            escape_markdown(label),
            _share(row["precision"]),
            _share(row["recall"]),
            _share(row["f1"]),
            str(row["support"]),
        ]
        for label, row in test["per_class"].items()
    ]


def confusion_table(test: Mapping[str, Any]) -> Rows:
    """Return the confusion matrix, true labels down; nothing for a multi-label run, which has none."""
    matrix = test.get("confusion_matrix")
    if matrix is None:
        return []
    return [
        [escape_markdown(label), *map(str, row)] for label, row in zip(matrix["labels"], matrix["counts"], strict=True)
    ]


def data_table(record: Mapping[str, Any]) -> Rows:
    """Return what the audit of the data found, in words."""
    data = record["data"]
    kept = ", kept on one side" if keeps_near_duplicates_together(record) else ""
    rows = [
        ["rows read", f"{data['rows']:,}"],
        ["distinct texts", f"{data['distinct']:,}"],
        ["exact duplicates left out before the split", f"{data['exact_duplicates_dropped']:,}"],
        [f"pairs of near duplicates{kept}", _count(data["near_duplicate_pairs"])],
        ["texts with more than one label in the data", f"{data['conflicting_texts']:,}"],
        ["test rows that also stand in train or validation", f"{data['leaks']['test']:,}"],
    ]
    cut = data["truncated_share"]
    sides = [[f"{side} ({_percent(cut[side])} of the texts cut)", f"{data['sizes'][side]:,}"] for side in data["sizes"]]
    return [*rows, *sides, ["fingerprint of the split", f"`{data['split_fingerprint'][:16]}`"]]


def keeps_near_duplicates_together(record: Mapping[str, Any]) -> bool:
    """Whether the split is ours and has looked for near duplicates."""
    return not record["data"]["ready_made_split"] and record["options"]["data"]["near_duplicates"]


def options_table(options: Mapping[str, Any]) -> Rows:
    """Return every option that shaped the run and says something."""
    said = {
        name: value
        for group in ("model", "data", "training")
        for name, value in options[group].items()
        if value is not None and value not in ([], {}, "")
    }
    return [[code(name), escape_markdown(value)] for name, value in said.items()]


def standing_table(standing: Standing) -> Rows:
    """Return this configuration and the baseline: name, accuracy, macro F1, intervals of each seed."""
    rows = [standing.row, *([standing.baseline] if standing.baseline else [])]
    return [
        [
            escape_markdown(row["name"]),
            _share(row["mean"]["accuracy"]),
            "; ".join(_interval(seed["intervals"]["accuracy"]) for seed in row["per_seed"]),
            _share(row["mean"]["macro_f1"]),
            ", ".join(row["letters"]) or "–",
        ]
        for row in rows
    ]


def graphs_table(graphs: Mapping[str, Mapping[str, Any]]) -> Rows:
    """Return of each ONNX graph its path, size, and how its answers agree with those of the weights."""
    return [
        [
            f"`{path}`",
            f"{record['exported']['weights_bytes'] / 1e6:.1f} MB",
            f"{record['measured']['n']:,}",
            _percent(record["measured"]["agreement"]),
            _accuracy_change(record["measured"].get("accuracy")),
        ]
        for path, record in graphs.items()
    ]


def _accuracy_change(accuracy: Mapping[str, float] | None) -> str:
    return "not measured" if accuracy is None else f"{100 * accuracy['change']:+.2f} points"


def _share(value: float) -> str:
    return f"{value:.4f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _count(value: int | None) -> str:
    return "not looked for" if value is None else f"{value:,}"


def _interval(interval: list[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "–"
