"""The comparison's tables: cells with the text that is read and the value that is sorted by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bbc_classifier.comparison.sentences import p_value

COLUMNS = (
    "configuration",
    "group",
    "accuracy",
    "95 % interval",
    "precision",
    "recall",
    "F1",
    "log loss",
    "ECE",
    "Brier",
    "seconds of training",
    "ms a text",
    "parameters",
    "nominal parameters",
    "MB",
)
# Whether more or less of a column's figure is better; the others have no best.
BETTER = {
    **dict.fromkeys(("accuracy", "precision", "recall", "F1"), max),
    **dict.fromkeys(("log loss", "ECE", "Brier", "seconds of training", "ms a text", "parameters", "MB"), min),
}


@dataclass
class TableCell:
    """A cell: `text` to read, `value` to sort by, and whether it is its column's `best`."""

    text: str
    value: Any
    best: bool = False


@dataclass
class Table:
    """Column names, and rows of as many cells."""

    columns: Sequence[str]
    rows: list[list[TableCell]] = field(default_factory=list)


def performance_table(configurations: Sequence[Mapping[str, Any]]) -> Table:
    """Return the performance table, best marked among the trained configurations in each column.

    Precision, recall and F1 are macro averages; all figures are means over seeds.

    Args:
        configurations: `configurations` of the results.
    """
    table = Table(COLUMNS, [_performance_row(row) for row in configurations])
    trained = [place for place, row in enumerate(configurations) if not row["baseline"]]
    for column, name in enumerate(COLUMNS):
        values = [table.rows[place][column].value for place in trained]
        numbers = [value for value in values if isinstance(value, (int, float))]
        if name in BETTER and len(set(numbers)) > 1:
            best = BETTER[name](numbers)
            for place in trained:
                table.rows[place][column].best = table.rows[place][column].value == best
    return table


def interval_text(row: Mapping[str, Any]) -> str:
    """Return the accuracy's 95 % interval of a single seed, and of several the range that theirs span."""
    edges = [seed["intervals"]["accuracy"] for seed in row["per_seed"]]
    return f"{100 * min(low for low, _ in edges):.2f} to {100 * max(high for _, high in edges):.2f}"


def effects_table(effects: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of effects of poolings or encoders."""
    table = Table(("first", "second", "within", "points", "95 % interval", "p"))
    for row in effects:
        low, high = row["interval"]
        table.rows.append(
            [
                TableCell(row["first"], row["first"]),
                TableCell(row["second"], row["second"]),
                TableCell(row["within"], row["within"]),
                TableCell(f"{row['points']:+.2f}", row["points"]),
                TableCell(f"{low:+.2f} to {high:+.2f}", low),
                TableCell(p_value(row["p_value"]), row["p_value"]),
            ]
        )
    return table


def pair_matrix(pairs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[tuple[str, list[Any]]]:
    """Return per name a row of cells, row less column; None on the diagonal.

    Args:
        pairs: `pairs` of the results.
        names: The configurations in the order of the rows.
    """
    cells = {}
    for row in pairs:
        for one, other, sign in ((row["first"], row["second"], 1), (row["second"], row["first"], -1)):
            low, high = sorted(sign * edge for edge in row["interval"])
            cells[one, other] = {
                "points": f"{sign * row['points']:+.2f}",
                "p_value": p_value(row["p_holm"]),
                "different": row["different"],
                "title": f"{one} less {other}: {sign * row['points']:+.2f} points ({low:+.2f} to {high:+.2f}), "
                f"{sign * row['articles']:+.1f} articles; unadjusted {p_value(row['p_value'])}; McNemar's test "
                f"{mcnemar_text(row)}",
            }
    return [(one, [cells.get((one, other)) for other in names]) for one in names]


def mcnemar_text(row: Mapping[str, Any]) -> str:
    """Return the p-values of McNemar's exact test of a pair, seed by seed."""
    values = [p_value(seed["p_value"]) for seed in row["mcnemar"]]
    return ", ".join(values) if values else "not applicable, since the two have not as many seeds"


def _performance_row(row: Mapping[str, Any]) -> list[TableCell]:
    mean, cost = row["mean"], row["cost"]
    spread = row["spread"]["accuracy"]
    accuracy = f"{100 * mean['accuracy']:.2f}" + (f" ± {100 * spread:.2f}" if spread is not None else "")
    figures = [_figure(mean.get(name), "{:.4f}") for name in ("log_loss", "expected_calibration_error", "brier_score")]
    return [
        TableCell(row["name"], row["name"]),
        TableCell(row["letters"], row["letters"]),
        TableCell(accuracy, mean["accuracy"]),
        TableCell(interval_text(row), row["per_seed"][0]["intervals"]["accuracy"][0]),
        *(_figure(mean[f"macro_{name}"], "{:.4f}") for name in ("precision", "recall", "f1")),
        *figures,
        _figure(cost["train_seconds"], "{:.1f}"),
        _figure(cost.get("milliseconds_per_text"), "{:.1f}"),
        _figure(cost.get("parameters"), "{:,}"),
        _figure(cost.get("nominal_parameters"), "{:,.0f}"),
        _figure(_megabytes(cost.get("weights_bytes")), "{:.1f}"),
    ]


def _megabytes(size: float | None) -> float | None:
    return None if size is None else size / 1e6


def _figure(value: float | None, form: str) -> TableCell:
    return TableCell("", "") if value is None else TableCell(form.format(value), value)
