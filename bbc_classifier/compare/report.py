"""From finished runs to `report.html`, `report.md`, `results.json`, `results.csv` and `figures/`. Needs no torch."""

import ast
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from bbc_classifier import plots
from bbc_classifier.compare.results import COMPARISON, FAILURES, RunResult, compute_results, load_runs
from bbc_classifier.config import ReportArguments, train_command
from bbc_classifier.io import escape_markdown, prepare_output_dir, read_json, write_json, write_text
from bbc_classifier.provenance import without_local_paths

MODELING_FILE = Path(__file__).parents[1] / "model" / "modeling_pooled_encoder.py"
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
PAGE_KEYS = "name baseline encoder pooling seeds mean per_class confusion_matrix reliability".split()
CURVES = ("loss", "eval_log_loss", "eval_accuracy")


def report(args: ReportArguments, paths: Sequence[str | Path]) -> tuple[dict[str, Any], Path]:
    """Write the report of finished runs, also of several machines, from their records and predictions alone.

    `paths` are as for `write_report`. Return the results, as in `results.json`, and the directory.
    """
    output_dir = Path(args.output_dir)
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="results.json")
    command = shlex.join(["bbc-classifier", "report", *map(str, paths), "--output_dir", args.output_dir])
    return write_report([Path(path) for path in paths], output_dir, command=command), output_dir


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
    results |= {"summary": summary(results), "command": shlex.join(map(_without_local_path, shlex.split(command)))}
    write_json(output_dir / "results.json", results)
    table = pd.json_normalize(configurations, "per_seed", CSV_COLUMNS).convert_dtypes().set_index(CSV_COLUMNS)
    table[["accuracy_low", "accuracy_high"]] = table.pop("intervals.accuracy").tolist()
    table = table.rename(columns=lambda name: name.removeprefix("metrics."))
    write_text(output_dir / "results.csv", table.to_csv(lineterminator="\n"))
    path = output_dir / "figures" / "accuracy.png"
    plots.plot_accuracy(configurations, path, title=name)
    if curves:
        plots.plot_accuracy_by_rows(curves, path.with_name("learning_curves.png"), title=name)
    environment = Environment(
        loader=PackageLoader("bbc_classifier.compare"),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"p": _p_value, "signed": "{:+z.2f}".format, "md": escape_markdown}
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
        "page": _page(results, runs),
    }
    for file in ("report.md", "report.html"):
        write_text(output_dir / file, environment.get_template(f"{file}.j2").render(context))
    return results


def _without_local_path(part: str) -> str:
    if not part.startswith("--"):
        return str(without_local_paths(part))
    name, equals, value = part.partition("=")
    return name + equals + without_local_paths({name[2:]: value})[name[2:]]


def summary(results: Mapping[str, Any]) -> list[str]:
    """Return the first sentences of the report: the best, its lead over TF-IDF, ties, cost and the protocol."""
    rows, n, folds = results["configurations"], results["protocol"]["articles"], results["protocol"]["folds"]
    trained, versus = [row for row in rows if not row["baseline"]], results["vs_baseline"]
    seeds = min((len(row["seeds"]) for row in trained), default=1)
    protocol = f"Measured on {n:,} test texts, {f'{folds}-fold cross-validation' if folds else 'one fixed split'}, "
    protocol += f"{seeds} seed{'s' if seeds > 1 else ''} per configuration."
    protocol += " Intervals and tests are about these seeds, not about others."
    if folds:
        protocol += " Folds share most of their training texts, and texts of a fold one model; the tests treat texts as"
        protocol += " independent."
    if seen := results["data"]["encoders_that_saw_test_rows"]:
        protocol += f" Optimistic: {', '.join(seen)} was trained on texts of these test rows before."
    if not trained:
        return ["No encoder was trained: this comparison does not show whether an encoder helps.", protocol]
    shown = {row["name"]: (row["mean"]["accuracy"] * n, f"{100 * row['mean']['accuracy']:.2f} %") for row in rows}
    best, baseline = trained[0], next((row for row in rows if row["name"] == versus["baseline"]), None)
    name, (right, accuracy) = best["name"], shown[best["name"]]
    sentences = [f"Best encoder and pooling: {name}, right on {_count(right)} of {n:,} test texts ({accuracy})."]
    seconds = "an unknown time (resumed)" if best["train_seconds"] is None else f"{best['train_seconds']:,.1f} seconds"
    cost = f"Training {name} ({best['num_parameters']:,} parameters) took {seconds}"
    if baseline is None:
        sentences.append("Without a TF-IDF baseline, this comparison does not show whether an encoder helps.")
    else:
        other, (other_right, other_accuracy) = baseline["name"], shown[baseline["name"]]
        lead = _count(abs(right - other_right))
        compared = f"{lead} {'more' if right > other_right else 'fewer'} than" if lead != "0" else "as many as"
        pair = next(pair for pair in results["pairs"] if {pair["first"], pair["second"]} == {name, other})
        chance = "The difference is significant" if pair["different"] else "The difference is not significant"
        sentence = f"That is {compared} {other}, which counts words and has no neural network ({_count(other_right)}, "
        sentences.append(f"{sentence}{other_accuracy}). {chance} ({_p_value(pair['p_value_holm'])}).")
        cost += f", {other} {baseline['train_seconds']:,.1f} seconds"
        if len(trained) > 1:
            groups = {kind: ", ".join(versus[kind]) or "none" for kind in ("better", "worse")}
            sentences.append(f"Significantly better than {other}: {groups['better']}; worse: {groups['worse']}.")
    tied = [row["name"] for row in trained[1:] if set(row["groups"]) & set(best["groups"])]
    if len(trained) > 1:
        others = "all others" if len(tied) == len(trained) - 1 else ", ".join(tied) or "none"
        sentences.append(f"Not significantly different from {name}: {others}.")
    return [*sentences, f"{cost}.", protocol]


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


def pooling_sources() -> dict[str, dict[str, str]]:
    """Return `formula`, `source` and `lines` of every pooling of this version, read without importing torch."""
    text = MODELING_FILE.read_text(encoding="utf-8")
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    poolings = {}
    for node in classes.values():
        for call in (decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)):
            # The class that it extends comes first, such as `Mean` before `ClsMean`.
            bases = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id != "Pooling"]
            spans = [(part.decorator_list[0].lineno, part.end_lineno) for part in (*bases, node)]
            poolings[ast.literal_eval(call.args[0])] = {
                "formula": ast.get_docstring(node) or "",
                "source": "\n\n".join("\n".join(text.splitlines()[first - 1 : last]) for first, last in spans),
                "lines": " and ".join(f"{first}-{last}" for first, last in spans),
            }
    return poolings


def _page(results: Mapping[str, Any], runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return what report.js draws: the configurations, and the history of every run of the first fold."""
    rows, sources = results["configurations"], pooling_sources()
    firsts = {(run.name, run.options["max_train_samples"]): run for run in reversed(runs)}
    trained = [run for run in runs if "encoder" in run.record and run.options["fold"] in (None, 0)]
    trained.sort(key=lambda run: -(run.options["max_train_samples"] or math.inf))
    sizes = {row["name"]: row["train_size"] for row in rows}

    def label(run: RunResult) -> str:
        size = run.options["max_train_samples"]
        return run.name if size == sizes.get(run.name) else f"{run.name}, {size} rows"

    return {
        "labels": rows[0]["confusion_matrix"]["labels"],
        "configurations": [
            {name: row[name] for name in PAGE_KEYS} | _texts(row, firsts[row["name"], row["train_size"]], sources)
            for row in rows
        ],
        "curves": [
            {"name": label(run), "seed": run.options["seed"]}
            | {
                name: [[entry["epoch"], entry[name], entry["step"]] for entry in history if name in entry]
                for history in [read_json(run.path / "history.json")]
                for name in CURVES
            }
            for run in trained
        ],
        "by_rows": {
            name: [[row["train_rows"], row["accuracy"]] for row in results["learning_curves"] if row["name"] == name]
            for name in dict.fromkeys(row["name"] for row in results["learning_curves"])
            if name != "majority"
        },
    }


def _texts(row: Mapping[str, Any], run: RunResult, sources: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return what the picture says about a configuration whose first run is `run`: shapes, formula, source, command."""
    texts = {"text": f"a text of {run.record['data']['name']}", "label": f"one of {len(run.labels)} labels"}
    if row["baseline"]:
        return texts | {"where": f"{row['name']} is a baseline without tokenizer, encoder and pooling."}
    shapes, module, pooling = row["shapes"], run.options.get("pooling_module"), row["pooling"]
    texts["command"] = train_command(run.record["options"], row["name"])
    for example in run.record.get("examples", [])[:1]:
        label, share = max(example["probabilities"].items(), key=lambda item: item[1])
        texts |= {"text": f"“{example['text']}”", "label": f"{label}, confidence {share:.3f}"}
    if module is None and pooling in sources:
        where = f"Lines {sources[pooling]['lines']} of bbc_classifier/model/{MODELING_FILE.name}, "
        texts |= {**sources[pooling], "where": f"{where}in the version that made this page."}
    else:
        where = (
            f"The pooling {pooling} is registered by {module or 'another module'}; its source is not part of this page."
        )
        texts["where"] = where
    tokens, width, labels = shapes["max_input_tokens"] or "n", shapes["pooled_size"], shapes["num_labels"]
    encoded = f"windows of 1 × {shapes['window_length']}" if shapes.get("window_length") else f"1 × {tokens}"
    encoder, pooling = (f"{shapes['parameters'].get(part, 0):,} parameters" for part in ("encoder", "pooling"))
    return texts | {
        "tokens": f"1 × {tokens} tokens at most",
        "encoded": f"{encoded} × {shapes['hidden_size']}\n{shapes['num_hidden_layers']} layers, {encoder}",
        "pooled": f"1 × {width}\n{pooling}",
        "head": f"{width} × {labels} + {labels} = {width * labels + labels:,} parameters",
    }


def _count(texts: float) -> str:
    return f"{texts:,.1f}".removesuffix(".0")


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
