"""The comparison as one self-contained page: everything in it, nothing fetched, all text escaped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader

from bbc_classifier.comparison.drawings import (
    draw_accuracy,
    draw_learning_curves,
    draw_reliability,
    svg,
)
from bbc_classifier.comparison.formulas import formulas
from bbc_classifier.comparison.reproduction import command, script
from bbc_classifier.comparison.sentences import opening, pairs_method, seeds_text, title
from bbc_classifier.comparison.tables import effects_table, pair_matrix, performance_table
from bbc_classifier.evaluation.figures import confusion_matrix_figure, learning_curves_figure

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("performance", "Performance"),
    ("pairs", "Differences"),
    ("learning", "Learning curves"),
    ("details", "One configuration"),
    ("classes", "Classes and articles"),
    ("data", "Data"),
    ("formulas", "Formulas"),
    ("reproduce", "Reproduce"),
)


def page(results: Mapping[str, Any], histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the page as HTML.

    Args:
        results: What `results` returns.
        histories: By the name of each configuration the Trainer's log of its first cell.
    """
    configurations = results["configurations"]
    names = [row["name"] for row in configurations]
    curves = results["learning_curves"]
    effects = (
        ("Which pooling?", results["pooling_effects"]),
        ("Which encoder?", results["encoder_effects"]),
    )
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    table = performance_table(configurations)
    return environment.get_template("report.html.j2").render(
        title=title(results),
        opening=opening(results),
        sections=[(anchor, name) for anchor, name in SECTIONS if anchor != "learning" or curves],
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
        performance={
            "columns": table.columns,
            "rows": table.rows,
            "caption": table_caption(configurations),
            "figure_caption": "Every seed is a point with its 95 % interval (Wilson); letters as in the table.",
        },
        pictures={
            "accuracy": svg(lambda: draw_accuracy(configurations), "Accuracy of each configuration with its interval"),
            "learning_curves": svg(lambda: draw_learning_curves(curves), "Accuracy over training rows")
            if curves
            else "",
        },
        pairs={"method": pairs_method(results), "names": names, "rows": pair_matrix(results["pairs"], names)},
        effects=[(heading, effects_table(rows)) for heading, rows in effects if rows],
        configurations=[_detail(row, histories.get(row["name"], ()), results["labels"]) for row in configurations],
        classes=results["classes"],
        hardest=results["hardest"],
        data=_data(results["data"]),
        formulas=formulas(),
        reproduce=results["reproduce"],
        environment=_environment(results),
        not_applicable=results["not_applicable"],
        failed=results["failed"],
        incomplete=results["incomplete"],
    )


def table_caption(configurations: Sequence[Mapping[str, Any]]) -> str:
    """Return what stands beside the performance table."""
    text = f"n = {configurations[0]['n']:,}. Precision, recall and F1 are macro averages. Accuracy in %"
    if any(len(row["seeds"]) > 1 for row in configurations):
        text += f", mean ± standard deviation over {seeds_text(configurations)}; the interval spans those of the seeds"
    few = any(row["interval_is_for"] == "these seeds" for row in configurations if not row["baseline"])
    if few:
        text += "; intervals are for these seeds and say nothing of others"
    return f"{text}. Best of the trained configurations marked."


def _detail(row: Mapping[str, Any], history: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """Return what is shown of a single configuration."""
    name, counts = row["name"], np.array(row["confusion_matrix"]["counts"])
    curve = row["reliability"]
    mean = row["mean"]
    trained = any("loss" in entry or "eval_log_loss" in entry for entry in history)
    content = {
        "name": name,
        "confusion": svg(lambda: confusion_matrix_figure(counts, labels), f"Confusion matrix of {name}"),
        "confusion_caption": _confusion_caption(row, counts),
        "walkthrough": walkthrough(counts, labels),
        "training": svg(lambda: learning_curves_figure(history), f"Loss and validation curves of {name}")
        if trained
        else "",
        "training_caption": "Of the first seed and fold.",
        "reliability": svg(lambda: draw_reliability(curve), f"Reliability curve of {name}") if curve else "",
        "calibration": f"ECE {mean['expected_calibration_error']:.4f}, Brier score {mean['brier_score']:.4f}."
        if curve
        else "",
        "options": _options(row["configuration"]),
        "code": "" if row["baseline"] else script(name, row["configuration"]),
        "command": "" if row["baseline"] else command(name, row["configuration"]),
        "file": f"{name}.py",
    }
    views = {"matrix": "Confusion matrix", "training": "Curves", "calibration": "Calibration"}
    views |= {"configuration": "Configuration", "code": "Code"}
    there = {"matrix": True, "training": content["training"], "calibration": content["reliability"]}
    there |= {"configuration": True, "code": content["code"]}
    return {**content, "views": [(view, label) for view, label in views.items() if there[view]]}


def walkthrough(counts: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return, class by class, how a confusion matrix leads to precision, recall and F1, with the numbers put in.

    Args:
        counts: (true, predicted).
        labels: The label names.
    """
    rows = []
    for index, label in enumerate(labels):
        tp = int(counts[index, index])
        fp, fn = int(counts[:, index].sum()) - tp, int(counts[index].sum()) - tp
        rows.append(
            {
                "label": label,
                "tp": tp,
                "fp": fp,
                "fn": fn,
                "precision": _division(tp, tp + fp),
                "recall": _division(tp, tp + fn),
                "f1": _division(2 * tp, 2 * tp + fp + fn),
            }
        )
    return rows


def _division(above: int, below: int) -> str:
    return f"{above} / {below} = {above / below:.4f}" if below else f"{above} / 0, counted as 0"


def _confusion_caption(row: Mapping[str, Any], counts: np.ndarray) -> str:
    text = f"{int(np.trace(counts)):,} of {int(counts.sum()):,} on the diagonal."
    seeds = row["confusion_matrix"]["seeds"]
    return f"{text} Counts of {seeds} seeds together." if seeds > 1 else text


def _options(groups: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the options of a configuration that are set."""
    options = [
        (name, value) for group in ("model", "data", "training") for name, value in groups.get(group, {}).items()
    ]
    return [(name, value) for name, value in options if value is not None and value != []]


def _data(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the audit of the data says, in words."""
    leaks = data.get("leaks") or {}
    rows = [
        ("data set", " ".join(str(data[key]) for key in ("name", "package", "package_version") if data.get(key))),
        ("terms", data.get("terms")),
        ("rows read", data.get("rows")),
        ("distinct texts", data.get("distinct")),
        ("exact duplicates dropped", data.get("exact_duplicates_dropped")),
        ("pairs of near duplicates", data.get("near_duplicate_pairs")),
        ("groups that stay on one side", data.get("groups")),
        ("texts with two labels", data.get("conflicting_texts")),
        ("test rows that also stand in train or validation", leaks.get("test")),
        ("split fingerprints", ", ".join(fingerprint[:12] for fingerprint in data["fingerprints"])),
    ]
    return [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in rows if value is not None]


def _environment(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    data = results["data"]
    machines = [
        f"{machine['processor']}, {machine['cores']} cores" + (f", {machine['gpu']}" if machine["gpu"] else "")
        for machine in data["machines"]
    ]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return [("machines", "; ".join(machines)), ("versions", versions), ("commits", ", ".join(data["commits"]))]
