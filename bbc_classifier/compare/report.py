"""From finished runs to `report.html`, `report.md`, `results.json`, `results.csv` and `figures/`. Needs no torch."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from bbc_classifier import plots
from bbc_classifier.compare.results import COMPARISON, FAILURES, RunResult, compute_results, load_runs
from bbc_classifier.config import ReportArguments, train_command
from bbc_classifier.io import atomic_write, escape_markdown, prepare_output_dir, read_json, write_json, write_text
from bbc_classifier.provenance import without_local_paths

# From this many seeds on, their standard deviation describes seeds that were not run.
ENOUGH_SEEDS = 5
# Header, format, whether more is better (None: no best), and where the value of a row is.
COLUMNS: tuple[tuple[str, str, bool | None, Any], ...] = (
    ("group", "{}", None, lambda row: row["groups"]),
    ("accuracy in %", "{:.2f}", True, lambda row: 100 * row["mean"]["accuracy"]),
    ("95 % interval (Wilson)", "{:.2f} to {:.2f}", None, lambda row: [100 * p for p in row["accuracy_interval"]]),
    ("precision", "{:.4f}", True, lambda row: row["mean"]["macro_precision"]),
    ("recall", "{:.4f}", True, lambda row: row["mean"]["macro_recall"]),
    ("F1", "{:.4f}", True, lambda row: row["mean"]["macro_f1"]),
    ("log loss", "{:.4f}", False, lambda row: row["mean"].get("log_loss")),
    ("ECE", "{:.4f}", False, lambda row: row["mean"].get("expected_calibration_error")),
    ("Brier score", "{:.4f}", False, lambda row: row["mean"].get("brier_score")),
    ("training seconds", "{:.1f}", False, lambda row: row["train_seconds"]),
    ("ms per text", "{:.1f}", False, lambda row: row["milliseconds_per_text"]),
    ("parameters", "{:,}", False, lambda row: row["num_parameters"]),
    ("MB", "{:.1f}", False, lambda row: row["weights_bytes"] and row["weights_bytes"] / 1e6),
)
CSV_COLUMNS = (
    "name groups encoder pooling train_size n train_seconds milliseconds_per_text num_parameters weights_bytes".split()
)
DATA_ROWS = {
    "name": "data set",
    "terms": "terms",
    "num_rows": "rows",
    "num_unique_texts": "different texts",
    "exact_duplicates_dropped": "exact duplicates dropped",
    "near_duplicate_pairs": "pairs of near duplicates",
    "groups": "groups that stay in one split",
    "conflicting_labels": "texts with conflicting labels",
    "leakage": "rows that also occur in the training data",
}


def report(args: ReportArguments, paths: Sequence[str | Path]) -> tuple[dict[str, Any], Path]:
    """Write the report of finished runs, of several machines too, from their records and predictions alone.

    `paths` are as for `write_report`. Return the results, as in `results.json`, and the directory.
    """
    output_dir = Path(args.output_dir)
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="results.json")
    command = shlex.join(["bbc-classifier", "report", *map(str, paths), "--output_dir", args.output_dir])
    with atomic_write(output_dir) as tmp_path:
        return write_report([Path(path) for path in paths], tmp_path, command=command), output_dir


def write_report(paths: Sequence[Path], output_dir: Path, *, command: str) -> dict[str, Any]:
    """Write the report of finished runs and return the results; other files in `output_dir` stay.

    `paths` are comparisons, directories of runs, or run directories; `command` is the command that makes this report.
    Runs that cannot be compared, and paths without finished runs, are a UserError.
    """
    runs = load_runs(paths)
    finished = {run.path.name for run in runs}
    failures = {file.stem: file for path in paths for file in sorted(path.glob(f"{FAILURES}/*.txt"))}
    comparisons = [read_json(path / COMPARISON) for path in paths if (path / COMPARISON).is_file()]
    titles = {row_id: title for each in comparisons for row_id, title in each["titles"].items()}
    results = compute_results(runs) | {
        "failed": {name: file.read_text(encoding="utf-8") for name, file in failures.items() if name not in finished},
        "not_applicable": {name: why for each in comparisons for name, why in each["not_applicable"].items()},
    }
    configurations, curves, name = results["configurations"], results["learning_curves"], results["data"]["name"]
    for row in results["hardest_examples"]:
        row["title"] = titles.get(row["row_id"], "")
    results |= {"summary": summary(results), "command": shlex.join(without_local_paths(shlex.split(command)))}
    write_json(output_dir / "results.json", results)
    write_text(output_dir / "results.csv", _csv(configurations))
    path = output_dir / "figures" / "accuracy.png"
    figures = {"Accuracy with 95 % intervals": plots.plot_accuracy(configurations, path, title=name)}
    if curves:
        path = path.with_name("learning_curves.png")
        figures["Accuracy by training rows"] = plots.plot_accuracy_by_rows(curves, path, title=name)
    environment = Environment(
        loader=PackageLoader("bbc_classifier.compare"),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"p": _p_value, "signed": _signed, "md": escape_markdown}
    context = {
        **results,
        "title": f"{name}: comparison of encoders and poolings",
        "columns": [column[0] for column in COLUMNS],
        "table": _table(configurations),
        "parts": list(dict.fromkeys(part for row in configurations for part in row["by_length"])),
        "names": [row["name"] for row in configurations],
        "cells": {(pair["first"], pair["second"]): pair for pair in results["pairs"]},
        "effects": {"Poolings": results["pooling_effects"], "Encoders": results["encoder_effects"]},
        "data_rows": [(label, results["data"].get(key)) for key, label in DATA_ROWS.items()],
        "figures": {title: plots.figure_svg(figure, title) for title, figure in figures.items()},
        "details": [_details(row, runs) for row in configurations],
    }
    for file in ("report.md", "report.html"):
        write_text(output_dir / file, environment.get_template(f"{file}.j2").render(context))
    return results


def summary(results: Mapping[str, Any]) -> list[str]:
    """Return the first sentences of the report: the result against TF-IDF, the most accurate, and the protocol."""
    rows, versus, folds = results["configurations"], results["vs_baseline"], results["protocol"]["folds"]
    accuracy = {row["name"]: f"{row['name']} ({100 * row['mean']['accuracy']:.2f} %)" for row in rows}
    trained = [row for row in rows if not row["baseline"]]
    if versus["baseline"] is None or not trained:
        first = "Without both a TF-IDF baseline and a trained encoder there is no verdict on whether an encoder helps."
    else:
        start = "Significantly" if versus["better"] else "No encoder is significantly"
        first = f"{start} more accurate than the TF-IDF baseline {accuracy[versus['baseline']]}"
        first += f": {', '.join(versus['better'])}." if versus["better"] else "."
    if versus["worse"]:
        first += f" Significantly less accurate: {', '.join(versus['worse'])}."
    tied = [row["name"] for row in rows[1:] if set(row["groups"]) & set(rows[0]["groups"])]
    second = f"The most accurate is {accuracy[rows[0]['name']]}; "
    second += f"not significantly different: {', '.join(tied)}." if tied else "every other one is significantly worse."
    seeds = min((len(row["seeds"]) for row in trained), default=1)
    third = f"{results['protocol']['articles']:,} test texts, "
    third += f"{folds}-fold cross-validation, " if folds else "one fixed split, "
    third += f"{seeds} seed{'s' if seeds > 1 else ''} per configuration."
    if seeds < ENOUGH_SEEDS:
        third += " Intervals and tests are about these seeds, not about others."
    if folds:
        third += " Folds share most of their training texts, and texts of a fold one model; the tests treat texts as"
        third += " independent."
    return [first, second, third]


def _table(configurations: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return a row of cells per configuration: `text`, `value` to sort by, and `best`.

    The best of a column is marked among the trained configurations, unless two show the same value.
    """
    rows = [[{"text": row["name"], "value": row["name"]}] for row in configurations]
    for header, form, more_is_better, value_of in COLUMNS:
        for row, cells in zip(configurations, rows, strict=True):
            value = value_of(row)
            values = value if isinstance(value, list) else [value]
            text = "" if value is None else form.format(*values)
            cells.append({"text": text, "value": values[0] if text else ""})
            if header.startswith("accuracy") and row["std"]:
                cells[-1]["text"] += f" ± {100 * row['std']['accuracy']:.2f}"
        trained = [cells[-1] for row, cells in zip(configurations, rows, strict=True) if not row["baseline"]]
        ranked = sorted((cell for cell in trained if cell["text"]), key=lambda cell: cell["value"])
        if more_is_better is not None and len(ranked) > 1:
            best, second = ranked[:-3:-1] if more_is_better else ranked[:2]
            best["best"] = best["text"] != second["text"]
    return rows


def _csv(configurations: Sequence[Mapping[str, Any]]) -> str:
    """Return a CSV row per configuration and seed."""
    table = pd.json_normalize(list(configurations), "per_seed", CSV_COLUMNS).convert_dtypes().set_index(CSV_COLUMNS)
    table[["accuracy_low", "accuracy_high"]] = table.pop("intervals.accuracy").tolist()
    return table.rename(columns=lambda name: name.removeprefix("metrics.")).to_csv(lineterminator="\n")


def _details(row: Mapping[str, Any], runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return what the page shows about one configuration: its figures, and the command of its first run."""
    name, matrix = row["name"], row["confusion_matrix"]
    figures = {"Confusion matrix": plots.plot_confusion_matrix(matrix["counts"], matrix["labels"])}
    if row["reliability"]:
        figures["Calibration: accuracy by confidence"] = plots.plot_reliability(row["reliability"])
    code = ""
    if not row["baseline"]:
        size = row["train_size"]
        first = next(run for run in runs if run.name == name and run.options["max_train_samples"] == size)
        history, code = read_json(first.path / "history.json"), train_command(first.record["options"], name)
        if any("eval_log_loss" in entry for entry in history):
            best_step = first.record["training"]["best_step"]
            figures["Training of the first run"] = plots.plot_learning_curves(history, best_step=best_step)
    svg = {title: plots.figure_svg(figure, f"{title}: {name}") for title, figure in figures.items()}
    return {**row, "figures": svg, "code": code}


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _signed(value: float, digits: int = 2) -> str:
    return f"{round(value, digits) + 0.0:+.{digits}f}"  # -0.0 + 0.0 is 0.0
