"""What is said of each configuration: figures over its seeds with intervals, per class, and what it costs."""

import statistics
from typing import Any

import numpy as np

from bbc_classifier.comparison.outcomes import Outcome
from bbc_classifier.evaluation.calibration import BINS, expected_calibration_error, reliability_curve
from bbc_classifier.evaluation.intervals import bootstrap_intervals, wilson_interval
from bbc_classifier.evaluation.metrics import brier_score, class_table, confusion, label_metrics, log_loss

# From as many seeds on, their spread says something of seeds that were not run.
ENOUGH_SEEDS = 5
# What the papers call these sizes; the parameters of a configuration are counted.
NOMINAL_PARAMETERS = {"bert-base": 110e6, "distilbert": 66e6, "tinybert": 14.5e6, "minilm": 22.7e6}


def describe(outcome: Outcome, labels: list[str]) -> dict[str, Any]:
    """Return the figures of a configuration as plain data.

    Args:
        outcome: Its answers.
        labels: The label names.
    """
    first = outcome.cells[0][0]
    per_seed = [_figures(outcome, number, labels) for number in range(len(outcome.seeds))]
    counts = confusion(np.tile(outcome.truth, len(outcome.seeds)), outcome.given.ravel(), len(labels))
    return {
        "name": outcome.name,
        "baseline": outcome.is_baseline,
        "encoder": first.encoder,
        "pooling": first.pooling,
        "train_size": outcome.train_size,
        "n": len(outcome.truth),
        "seeds": outcome.seeds,
        "interval_is_for": "these seeds" if len(outcome.seeds) < ENOUGH_SEEDS else "seeds",
        "mean": {name: statistics.fmean(seed["metrics"][name] for seed in per_seed) for name in per_seed[0]["metrics"]},
        "spread": {
            name: statistics.stdev(seed["metrics"][name] for seed in per_seed) if len(per_seed) > 1 else None
            for name in per_seed[0]["metrics"]
        },
        "per_seed": per_seed,
        "per_class": _pooled_classes(outcome, labels),
        "confusion_matrix": {"labels": labels, "counts": counts.tolist(), "seeds": len(outcome.seeds)},
        "reliability": _reliability(outcome),
        "cost": _cost(outcome),
        "configuration": first.record["options"],
    }


def _figures(outcome: Outcome, seed: int, labels: list[str]) -> dict[str, Any]:
    """Return the figures of one seed over all articles, with intervals."""
    given = outcome.given[seed]
    counts = confusion(outcome.truth, given, len(labels))
    metrics = label_metrics(outcome.truth, given, len(labels))
    if outcome.probabilities is not None:
        probabilities = outcome.probabilities[seed]
        metrics |= {
            "log_loss": log_loss(outcome.truth, probabilities),
            "brier_score": brier_score(outcome.truth, probabilities),
            "expected_calibration_error": expected_calibration_error(outcome.truth, probabilities),
        }
    correct = int(np.trace(counts))
    return {
        "seed": outcome.seeds[seed],
        "correct": correct,
        "metrics": metrics,
        "intervals": {"accuracy": wilson_interval(correct, len(given)), **bootstrap_intervals(counts)},
    }


def _pooled_classes(outcome: Outcome, labels: list[str]) -> dict[str, dict[str, Any]]:
    """Return precision, recall, F1 of each class over the answers of all seeds together, and its articles."""
    seeds = len(outcome.seeds)
    table = class_table(np.tile(outcome.truth, seeds), outcome.given.ravel(), labels)
    return {name: {**row, "support": row["support"] // seeds} for name, row in table.items()}


def _reliability(outcome: Outcome) -> list[dict[str, float]] | None:
    if outcome.probabilities is None:
        return None
    probabilities = outcome.probabilities.reshape(-1, outcome.probabilities.shape[-1])
    return reliability_curve(np.tile(outcome.truth, len(outcome.seeds)), probabilities, BINS)


def _cost(outcome: Outcome) -> dict[str, Any]:
    """Return seconds, milliseconds a text, parameters and bytes: medians over the cells."""
    cells = [cell.record for seed in outcome.cells for cell in seed]
    # What a cell did not read itself cost it nothing, and the one before it twice as much.
    alone = not any(cell.get("training", {}).get("shares_reading") for cell in cells)
    cost: dict[str, Any] = {"train_seconds": statistics.median(cell["seconds"]["train"] for cell in cells)}
    if not alone:
        cost["train_seconds"] = None
    if not outcome.is_baseline:
        tests = [cell["evaluation"]["test"] for cell in cells]
        encoder = outcome.cells[0][0].encoder
        cost |= {
            "milliseconds_per_text": statistics.median(1000 * test["seconds"] / test["n"] for test in tests)
            if alone
            else None,
            "parameters": cells[0]["model"]["parameters"],
            "nominal_parameters": NOMINAL_PARAMETERS.get(encoder or ""),
            "weights_bytes": cells[0]["model"].get("weights_bytes"),
        }
    return cost
