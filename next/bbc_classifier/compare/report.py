"""From finished runs to `report.html`, `report.md`, `results.json`, `results.csv` and `figures/`. Needs no torch."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bbc_classifier import plots
from bbc_classifier.compare.results import COMPARISON, FAILURES, RunResult, compute_results, load_runs
from bbc_classifier.config import DataArguments, ModelArguments, ReportArguments, TrainArguments
from bbc_classifier.io import atomic_write, prepare_output_dir, read_json, write_json, write_text
from bbc_classifier.provenance import without_local_paths

TEMPLATES = Path(__file__).parent / "templates"
# From this many seeds on, their standard deviation describes seeds that were not run.
ENOUGH_SEEDS = 5
# Header, format, whether more is better (None: no best), and where the value of a row is.
COLUMNS: tuple[tuple[str, str, bool | None, Any], ...] = (
    ("group", "{}", None, lambda row: row["groups"]),
    ("accuracy in %", "{:.2f}", True, lambda row: 100 * row["mean"]["accuracy"]),
    (
        "95 % interval (Wilson)",
        "{:.2f} to {:.2f}",
        None,
        lambda row: [100 * bound for bound in row["accuracy_interval"]],
    ),
    ("precision", "{:.4f}", True, lambda row: row["mean"]["macro_precision"]),
    ("recall", "{:.4f}", True, lambda row: row["mean"]["macro_recall"]),
    ("F1", "{:.4f}", True, lambda row: row["mean"]["macro_f1"]),
    ("log loss", "{:.4f}", False, lambda row: row["mean"].get("log_loss")),
    ("ECE", "{:.4f}", False, lambda row: row["mean"].get("expected_calibration_error")),
    ("Brier score", "{:.4f}", False, lambda row: row["mean"].get("brier_score")),
    ("training seconds", "{:.1f}", False, lambda row: row["train_seconds"]),
    ("ms per text", "{:.1f}", False, lambda row: row.get("milliseconds_per_text")),
    ("parameters", "{:,}", False, lambda row: row.get("num_parameters")),
    ("MB", "{:.1f}", False, lambda row: row["weights_bytes"] / 1e6 if row.get("weights_bytes") else None),
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

    Args:
        args: Where to write.
        paths: Comparisons, directories of runs, or run directories.

    Returns:
        The results, as in `results.json`, and the directory.

    Raises:
        UserError: There are no finished runs, they cannot be compared, or the directory may not be written.
    """
    output_dir = Path(args.output_dir)
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="results.json")
    command = shlex.join(["bbc-classifier", "report", *map(str, paths), "--output_dir", args.output_dir])
    with atomic_write(output_dir) as tmp_path:
        return write_report([Path(path) for path in paths], tmp_path, command=command), output_dir


def write_report(paths: Sequence[Path], output_dir: Path, *, command: str) -> dict[str, Any]:
    """Write the report of finished runs and return the results.

    Args:
        paths: Comparisons, directories of runs, or run directories.
        output_dir: Directory to write; other files in it stay.
        command: The command that makes this report.

    Raises:
        UserError: There are no finished runs, or they cannot be compared.
    """
    runs = load_runs(paths)
    comparisons = [read_json(path / COMPARISON) for path in paths if (path / COMPARISON).is_file()]
    finished = {run.path.name for run in runs}
    failed = {
        name: reason
        for path in paths
        if (path / FAILURES).is_file()
        for name, reason in read_json(path / FAILURES).items()
        if name not in finished
    }
    not_applicable = {name: why for each in comparisons for name, why in each["not_applicable"].items()}
    titles = {row_id: title for each in comparisons for row_id, title in each["titles"].items()}
    results = compute_results(runs, failed, not_applicable)
    for row in results["hardest_examples"]:
        row["title"] = titles.get(row["row_id"], "")
    results |= {"summary": summary(results), "command": shlex.join(without_local_paths(shlex.split(command)))}
    name = str(results["data"]["name"])
    write_json(output_dir / "results.json", results)
    write_text(output_dir / "results.csv", _csv(results["configurations"]))
    plots.plot_accuracy(results["configurations"], output_dir / "figures" / "accuracy.png", title=name)
    if results["learning_curves"]:
        path = output_dir / "figures" / "learning_curves.png"
        plots.plot_accuracy_by_rows(results["learning_curves"], path, title=name)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"p": _p_value, "signed": _signed, "md": _escape_markdown, "listed": _listed}
    context = {**results, **_context(results)}
    write_text(output_dir / "report.md", environment.get_template("report.md.j2").render(context))
    context |= {"details": [_details(row, runs) for row in results["configurations"]], **_svg_figures(results)}
    write_text(output_dir / "report.html", environment.get_template("report.html.j2").render(context))
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
        first += f": {_listed(versus['better'])}." if versus["better"] else "."
    if versus["worse"]:
        first += f" Significantly less accurate: {_listed(versus['worse'])}."
    best = rows[0]["name"]
    tied = [row["name"] for row in rows[1:] if set(row["groups"]) & set(rows[0]["groups"])]
    second = f"The most accurate is {accuracy[best]}; "
    second += f"not significantly different: {_listed(tied)}." if tied else "every other one is significantly worse."
    seeds = sorted({len(row["seeds"]) for row in trained}) or [1]
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    third = f"{results['protocol']['articles']:,} test texts, "
    third += f"{folds}-fold cross-validation, " if folds else "one fixed split, "
    third += f"{count} seed{'s' if seeds[-1] > 1 else ''} per configuration."
    if seeds[0] < ENOUGH_SEEDS:
        third += " Intervals and tests are about these seeds, not about others."
    if folds:
        third += " Folds share most of their training texts, and texts of a fold one model; the tests treat texts as"
        third += " independent."
    return [first, second, third]


def _context(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both templates show beside the results."""
    data, cells = results["data"], {}
    for pair in results["pairs"]:
        low, high = pair["interval"]
        cells[pair["first"], pair["second"]] = pair
        reverse = {"first": pair["second"], "second": pair["first"], "diff_pp": -pair["diff_pp"]}
        cells[pair["second"], pair["first"]] = {**pair, **reverse, "interval": [-high, -low]}
    machines = [", ".join(str(value) for value in machine.values() if value) for machine in data["machines"]]
    return {
        "title": f"{data['name']}: comparison of encoders and poolings",
        "columns": [column[0] for column in COLUMNS],
        "table": _table(results["configurations"]),
        "names": [row["name"] for row in results["configurations"]],
        "cells": cells,
        "effects": {"Poolings": results["pooling_effects"], "Encoders": results["encoder_effects"]},
        "several_seeds": any(len(row["seeds"]) > 1 for row in results["configurations"]),
        "data_rows": [(label, data[key]) for key, label in DATA_ROWS.items() if data.get(key) not in (None, {}, "")],
        "environment": [
            ("machines (processor, GPU, cores)", "; ".join(machines)),
            ("versions", ", ".join(f"{name} {version}" for name, version in data["versions"].items())),
            *([("commits", ", ".join(data["commits"]))] if data["commits"] else []),
        ],
    }


def _table(configurations: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return a row of cells per configuration: `text`, `value` to sort by, and `best`.

    The best of a column is marked among the trained configurations, unless two show the same value.
    """
    rows = []
    for row in configurations:
        cells = [{"text": row["name"], "value": row["name"], "best": False}]
        for header, form, _, value_of in COLUMNS:
            value = value_of(row)
            values = value if isinstance(value, list) else [value]
            text = "" if value is None else form.format(*values)
            if header.startswith("accuracy") and row["std"]["accuracy"] is not None:
                text += f" ± {100 * row['std']['accuracy']:.2f}"
            cells.append({"text": text, "value": "" if value is None else values[0], "best": False})
        rows.append(cells)
    trained = [cells for row, cells in zip(configurations, rows, strict=True) if not row["baseline"]]
    for column, (_, _, more_is_better, _) in enumerate(COLUMNS, 1):
        ranked = sorted((cells[column] for cells in trained if cells[column]["text"]), key=lambda cell: cell["value"])
        if more_is_better is not None and len(ranked) > 1:
            best, second = ranked[:-3:-1] if more_is_better else ranked[:2]
            best["best"] = best["text"] != second["text"]
    return rows


def _csv(configurations: Sequence[Mapping[str, Any]]) -> str:
    """Return a CSV row per configuration and seed."""
    shared = "name groups encoder pooling train_size n train_seconds milliseconds_per_text num_parameters weights_bytes"
    rows = [
        {
            **{name: row.get(name) for name in shared.split()},
            "seed": seed["seed"],
            "correct": seed["correct"],
            **seed["metrics"],
            **dict(zip(("accuracy_low", "accuracy_high"), seed["intervals"]["accuracy"], strict=True)),
        }
        for row in configurations
        for seed in row["per_seed"]
    ]
    return pd.DataFrame(rows).convert_dtypes().to_csv(index=False, lineterminator="\n")


def _svg_figures(results: Mapping[str, Any]) -> dict[str, str]:
    curves = results["learning_curves"]
    accuracy = plots.figure_svg(plots.plot_accuracy(results["configurations"]), "Accuracy with 95 % intervals")
    by_rows = plots.figure_svg(plots.plot_accuracy_by_rows(curves), "Accuracy by training rows") if curves else ""
    return {"accuracy_svg": accuracy, "curves_svg": by_rows}


def _details(row: Mapping[str, Any], runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return what the page shows about one configuration."""
    name, labels, counts = row["name"], row["confusion_matrix"]["labels"], row["confusion_matrix"]["counts"]
    figures = {"Confusion matrix": plots.plot_confusion_matrix(counts, labels)}
    if row["reliability"]:
        figures["Calibration: accuracy by confidence"] = plots.plot_reliability(row["reliability"])
    mine = (run for run in runs if run.name == name and run.options["max_train_samples"] == row["train_size"])
    first = min(mine, key=lambda run: (run.options.get("seed") or 0, run.options["fold"] or 0))
    history = read_json(first.path / "history.json") if (first.path / "history.json").is_file() else []
    if any("eval_log_loss" in entry for entry in history):
        best_step = first.record["training"]["best_step"]
        figures["Training of the first run"] = plots.plot_learning_curves(history, best_step=best_step)
    steps = []
    for index, label in enumerate(labels):
        tp = counts[index][index]
        fp, fn = sum(line[index] for line in counts) - tp, sum(counts[index]) - tp
        quotients = (_quotient(tp, tp + fp), _quotient(tp, tp + fn), _quotient(2 * tp, 2 * tp + fp + fn))
        steps.append((label, tp, fp, fn, *quotients))
    return {
        **row,
        "figures": {title: plots.figure_svg(figure, f"{title}: {name}") for title, figure in figures.items()},
        "steps": steps,
        "code": "" if row["baseline"] else train_command(first.record["options"], name),
    }


def _quotient(above: int, below: int) -> str:
    return f"{above} / {below} = {above / below:.4f}" if below else f"{above} / 0, defined as 0"


def train_command(options: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return the command that trains a run again, from its record's `options`: those that differ from the defaults."""
    parts = ["bbc-classifier", "train", f"--output_dir=runs/{name}"]
    for kind, group in ((ModelArguments, "model"), (DataArguments, "data"), (TrainArguments, "training")):
        defaults = asdict(kind())
        values = {option: value for option, value in options[group].items() if value != defaults.get(option)}
        values |= values.pop("trainer_kwargs", {})
        for option, value in values.items():
            parts += [f"--{option}", *map(str, value)] if isinstance(value, list) else [f"--{option}={value}"]
    return shlex.join(parts)


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign; zero has none."""
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _escape_markdown(text: Any) -> str:
    """Return a name as text that Markdown shows literally, also in a table."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|$~" else letter for letter in " ".join(str(text).split()))
