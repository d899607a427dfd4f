"""From run directories to `results.json`: metrics with intervals, paired tests and groups. Needs no torch."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.calibration import expected_calibration_error, reliability_curve
from bbc_classifier.evaluation.statistics import holm, letter_groups, paired_difference, wilson_interval
from bbc_classifier.io import read_json

SCHEMA = 2
# Files of a comparison's directory beside its runs: options, unsupported combinations and titles; and failed runs.
COMPARISON, FAILURES = "comparison.json", "failures.json"
# Probability of finding any two configurations different if none are (Holm's adjustment).
SIGNIFICANCE = 0.05
# The baseline to beat is the better of these.
TFIDF_BASELINES = ("tfidf-svm", "tfidf-logistic")
NUM_HARDEST = 50
SCORES = ("precision", "recall", "f1")
# Options that may differ between the runs of one configuration.
PER_RUN_OPTIONS = frozenset({"seed", "data_seed", "fold", "max_train_samples", "refit_on_validation", "use_cpu"})


@dataclass(frozen=True)
class RunResult:
    """A finished run or baseline.

    Attributes:
        path: Its directory.
        record: Its `record.json`.
        predictions: Test predictions by row id: `label`, `prediction`, and `p_<label>` where it has probabilities.
    """

    path: Path
    record: dict[str, Any]
    predictions: pd.DataFrame

    @property
    def baseline(self) -> str | None:
        """Name of a baseline; None for a trained run."""
        return self.record.get("baseline")

    @property
    def name(self) -> str:
        """Name of the configuration: encoder and pooling, or the baseline."""
        return self.baseline or f"{self.record['encoder']['name']}-{self.options['pooling']}"

    @property
    def options(self) -> dict[str, Any]:
        """Options of model, data and training by name."""
        groups = (self.record["options"].get(group, {}) for group in ("model", "data", "training"))
        return {name: value for group in groups for name, value in group.items()}

    @property
    def labels(self) -> list[str]:
        """Label names in the order of their indices."""
        return self.record["evaluation"]["test"]["confusion_matrix"]["labels"]

    @property
    def fingerprint(self) -> str:
        """Fingerprint of its split."""
        return self.record["data"]["split_fingerprint"]


@dataclass(frozen=True)
class ConfigResult:
    """Predictions of one configuration for every test example, once per seed.

    Attributes:
        name: The configuration.
        train_size: Limit of training rows; None for all.
        runs: Its runs by seed and fold.
        labels: Label names.
        row_ids: Test examples; equal in all configurations.
        y_true: (examples,) label indices.
        predictions: (seeds, examples) label indices.
        probabilities: (seeds, examples, labels), or None.
    """

    name: str
    train_size: int | None
    runs: list[list[RunResult]]
    labels: list[str]
    row_ids: list[str]
    y_true: np.ndarray
    predictions: np.ndarray
    probabilities: np.ndarray | None

    @property
    def is_correct(self) -> np.ndarray:
        """(seeds, examples) booleans."""
        return self.predictions == self.y_true

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline."""
        return self.runs[0][0].baseline is not None

    @property
    def factors(self) -> dict[str, Any]:
        """Its `encoder` and `pooling`; None for a baseline."""
        run = self.runs[0][0]
        return {"encoder": run.record.get("encoder", {}).get("name"), "pooling": run.options.get("pooling")}


def load_runs(paths: Sequence[Path]) -> list[RunResult]:
    """Return the finished runs in run directories, directories of runs, and comparisons.

    Raises:
        UserError: A path has no finished run, or one is multi-label.
    """
    runs: dict[Path, RunResult] = {}
    for path in paths:
        patterns = ("record.json", "*/record.json", "runs/*/record.json")
        found = [record.parent for pattern in patterns for record in sorted(path.glob(pattern))]
        if not found:
            raise UserError(f"'{path}' has no finished run: no record.json in it, in its directories or in runs/")
        for directory in found:
            record = read_json(directory / "record.json")
            if record.get("problem_type") == "multi_label_classification":
                raise UserError(f"'{directory}' is a multi-label run; a comparison needs runs with one label per text")
            predictions = pd.read_parquet(directory / "predictions" / "test.parquet")
            runs[directory.resolve()] = RunResult(directory, record, predictions.set_index("row_id").sort_index())
    return list(runs.values())


def merge_runs(runs: Sequence[RunResult]) -> tuple[list[ConfigResult], dict[str, list[str]]]:
    """Combine seeds and folds into one `ConfigResult` per configuration and training size.

    Returns:
        The configurations, and by the name of each incomplete one the seeds that lack folds.

    Raises:
        UserError: Runs have different data, folds or options, a run occurs twice, or no configuration is complete.
    """
    first, folds = runs[0], runs[0].options["folds"]
    seen: dict[tuple, RunResult] = {}
    groups: dict[tuple[str, int | None], dict[int | None, list[RunResult]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        options, key = run.options, (run.name, run.options["max_train_samples"])
        fold, seed = options["fold"], options.get("seed")
        twin = seen.setdefault((*key, fold, seed), run)
        if twin is not run:
            raise UserError(f"'{run.path}' and '{twin.path}' are the same run of {run.name}; pass one of them")
        same_split = seen.setdefault((key[1], fold), run)
        is_same_protocol = (options["folds"], run.labels) == (folds, first.labels)
        other = same_split if is_same_protocol else first
        if not is_same_protocol or run.fingerprint != same_split.fingerprint:
            raise UserError(f"'{other.path}' and '{run.path}' were trained or tested on different data or folds")
        alike = seen.setdefault(key, run)
        for name in options.keys() - PER_RUN_OPTIONS:
            if options[name] != alike.options.get(name):
                raise UserError(f"'{alike.path}' and '{run.path}' are both {run.name}, but differ in --{name}")
        groups[key][seed].append(run)
    y_true = pd.concat([run.predictions["label"] for run in runs])
    y_true = y_true[~y_true.index.duplicated()].sort_index()
    configs, incomplete = [], {}
    for (name, size), by_seed in groups.items():
        complete = [seed_runs for seed_runs in by_seed.values() if len(seed_runs) == (folds or 1)]
        if len(complete) < len(by_seed):
            missing = [str(seed) for seed, seed_runs in by_seed.items() if seed_runs not in complete]
            incomplete[name if size is None else f"{name}, {size} rows"] = missing
        if complete:
            configs.append(_config_result(name, size, complete, y_true))
    if not configs:
        raise UserError("no configuration has all its folds yet; finish the comparison first")
    return configs, incomplete


def _config_result(name: str, size: int | None, runs: list[list[RunResult]], y_true: pd.Series) -> ConfigResult:
    labels = runs[0][0].labels
    index_of, columns = {label: index for index, label in enumerate(labels)}, [f"p_{label}" for label in labels]
    tables = [pd.concat([run.predictions for run in seed_runs]) for seed_runs in runs]
    if any(not table["label"].sort_index().equals(y_true) for table in tables):
        raise UserError(f"the runs of {name}, such as '{runs[0][0].path}', were tested on other examples than the rest")
    tables = [table.loc[y_true.index] for table in tables]
    return ConfigResult(
        name=name,
        train_size=size,
        runs=runs,
        labels=labels,
        row_ids=y_true.index.tolist(),
        y_true=y_true.map(index_of).to_numpy(),
        predictions=np.stack([table["prediction"].map(index_of).to_numpy() for table in tables]),
        probabilities=np.stack([table[columns].to_numpy() for table in tables]) if columns[0] in tables[0] else None,
    )


def compute_results(
    runs: Sequence[RunResult], failed: Mapping[str, str], not_applicable: Mapping[str, str]
) -> dict[str, Any]:
    """Return everything the report shows, as plain data.

    Args:
        runs: Finished runs, baselines included.
        failed: Reason by the name of each run that failed.
        not_applicable: Reason by the name of each unsupported combination of encoder and pooling.

    Raises:
        UserError: As `merge_runs`.
    """
    configs, incomplete = merge_runs(runs)
    # The table and the tests are about the configurations trained on the most rows.
    largest = max(config.train_size or math.inf for config in configs)
    ranked = [config for config in configs if (config.train_size or math.inf) == largest]
    ranked.sort(key=lambda config: (-config.is_correct.mean(), config.name))
    pairs = compare_pairs(ranked)
    different = [(row["first"], row["second"]) for row in pairs if row["different"]]
    groups = letter_groups([config.name for config in ranked], different)
    trained = [config for config in ranked if not config.is_baseline]
    names, baseline = (
        {config.name for config in trained},
        next((c.name for c in ranked if c.name in TFIDF_BASELINES), None),
    )
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": {"folds": runs[0].options["folds"], "articles": len(ranked[0].row_ids)},
        "labels": ranked[0].labels,
        "significance": SIGNIFICANCE,
        "vs_baseline": {
            "baseline": baseline,
            "better": [first for first, second in different if second == baseline and first in names],
            "worse": [second for first, second in different if first == baseline and second in names],
        },
        "configurations": [{**_describe(config), "groups": groups[config.name]} for config in ranked],
        "pairs": pairs,
        "pooling_effects": _effects(trained, "pooling", "encoder"),
        "encoder_effects": _effects(trained, "encoder", "pooling"),
        "learning_curves": _learning_curves(configs),
        "hardest_examples": _hardest_examples(trained) if trained else [],
        "classes": _classes(trained) if trained else [],
        "data": _data(runs),
        "incomplete": incomplete,
        "failed": dict(failed),
        "not_applicable": dict(not_applicable),
    }


def compare_pairs(ranked: Sequence[ConfigResult]) -> list[dict[str, Any]]:
    """Return `paired_difference` of every two configurations, the more accurate one first.

    `p_value_holm` is the p-value of the exact paired sign-flip test, adjusted for all pairs by Holm's method.
    """
    rows = [
        {"first": one.name, "second": other.name, **paired_difference(one.is_correct, other.is_correct)}
        for one, other in combinations(ranked, 2)
    ]
    for row, adjusted in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
        row |= {"p_value_holm": adjusted, "different": adjusted <= SIGNIFICANCE}
    return rows


def _effects(configs: Sequence[ConfigResult], factor: str, within: str) -> list[dict[str, Any]]:
    """Compare two poolings (or encoders) within each encoder (or pooling) that has both, and over all of these.

    The overall row stacks blocks as if they were seeds, so that each counts the same; all need equally many seeds.
    """
    table: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for config in configs:
        table[config.factors[factor]][config.factors[within]] = config.is_correct
    rows = []
    for first, second in combinations(table, 2):
        blocks = {name: (table[first][name], table[second][name]) for name in table[first] if name in table[second]}
        if len(blocks) > 1 and len({len(correct) for pair in blocks.values() for correct in pair}) == 1:
            one, other = (np.concatenate(parts) for parts in zip(*blocks.values(), strict=True))
            blocks[f"every {within}"] = (one, other)
        for name, pair in blocks.items():
            rows.append({"first": first, "second": second, "within": name, **paired_difference(*pair)})
    return rows


def _describe(config: ConfigResult) -> dict[str, Any]:
    """Return the metrics of a configuration per seed and their mean, its confusion matrix and its cost."""
    per_seed = [_seed_metrics(config, seed) for seed in range(len(config.runs))]
    values = {name: [entry["metrics"][name] for entry in per_seed] for name in per_seed[0]["metrics"]}
    y_true, labels = np.tile(config.y_true, len(per_seed)), config.labels
    counts = confusion_matrix(y_true, config.predictions.ravel(), labels=range(len(labels))).tolist()
    curve = None if config.probabilities is None else reliability_curve(y_true, np.concatenate(config.probabilities))
    low, high = zip(*(entry["intervals"]["accuracy"] for entry in per_seed), strict=True)
    return {
        "name": config.name,
        "baseline": config.is_baseline,
        **config.factors,
        "train_size": config.train_size,
        "n": len(config.y_true),
        "seeds": [entry["seed"] for entry in per_seed],
        "mean": {name: statistics.fmean(numbers) for name, numbers in values.items()},
        "std": {name: statistics.stdev(numbers) if len(numbers) > 1 else None for name, numbers in values.items()},
        "per_seed": per_seed,
        "accuracy_interval": [min(low), max(high)],
        "per_class": _per_class(config.y_true, config.predictions, labels),
        "confusion_matrix": {"labels": labels, "counts": counts},
        "reliability": curve,
        **_cost(config),
        "configuration": config.runs[0][0].record["options"],
    }


def _per_class(y_true: np.ndarray, predictions: np.ndarray, labels: list[str]) -> dict[str, dict[str, float]]:
    """Return by class the precision, recall and F1 of (times, examples) predictions, and its number of examples."""
    repeated, indices = np.tile(y_true, len(predictions)), range(len(labels))
    scores = precision_recall_fscore_support(repeated, predictions.ravel(), labels=indices, zero_division=0)[:3]
    rows = zip(labels, *(values.tolist() for values in scores), strict=True)
    support = np.bincount(y_true, minlength=len(labels)).tolist()
    return {
        label: {"precision": precision, "recall": recall, "f1": f1, "support": n}
        for (label, precision, recall, f1), n in zip(rows, support, strict=True)
    }


def _seed_metrics(config: ConfigResult, seed: int) -> dict[str, Any]:
    """Return the metrics of one seed over all examples, with Wilson's interval of the accuracy."""
    correct, n = int(config.is_correct[seed].sum()), len(config.y_true)
    metrics = {"accuracy": correct / n}
    for average in ("macro", "weighted"):
        scores = precision_recall_fscore_support(
            config.y_true, config.predictions[seed], labels=range(len(config.labels)), average=average, zero_division=0
        )
        metrics |= {f"{average}_{name}": float(value) for name, value in zip(SCORES, scores, strict=False)}
    if config.probabilities is not None:
        probabilities = config.probabilities[seed]
        of_true = probabilities[np.arange(n), config.y_true]
        squares = (probabilities - np.eye(len(config.labels))[config.y_true]) ** 2
        metrics |= {
            "log_loss": float(-np.log(np.clip(of_true, np.finfo(float).tiny, 1)).mean()),
            "brier_score": float(squares.sum(axis=1).mean()),
            "expected_calibration_error": expected_calibration_error(config.y_true, probabilities),
        }
    return {
        "seed": config.runs[seed][0].options.get("seed"),
        "correct": correct,
        "metrics": metrics,
        "intervals": {"accuracy": wilson_interval(correct, n)},
    }


def _cost(config: ConfigResult) -> dict[str, Any]:
    """Return medians over runs of the training seconds and milliseconds per text, parameters and bytes."""
    records = [run.record for seed_runs in config.runs for run in seed_runs]
    cost: dict[str, Any] = {"train_seconds": statistics.median(record["seconds"]["train"] for record in records)}
    if config.is_baseline:
        return cost
    tests = [record["evaluation"]["test"] for record in records]
    return cost | {
        "milliseconds_per_text": statistics.median(1000 * test["seconds"] / test["n"] for test in tests),
        "num_parameters": records[0]["model"]["num_parameters"],
        "weights_bytes": records[0]["model"]["weights_bytes"],
    }


def _learning_curves(configs: Sequence[ConfigResult]) -> list[dict[str, Any]]:
    """Return a row per configuration and training size, for configurations with several sizes."""
    sizes = Counter(config.name for config in configs)
    rows = [
        {
            "name": config.name,
            "train_size": config.train_size,
            "train_rows": statistics.fmean(run.record["data"]["split_sizes"]["train"] for run in config.runs[0]),
            "accuracy": float(config.is_correct.mean()),
        }
        for config in configs
        if sizes[config.name] > 1
    ]
    return sorted(rows, key=lambda row: (row["name"], row["train_rows"]))


def _hardest_examples(trained: Sequence[ConfigResult]) -> list[dict[str, Any]]:
    """Return the examples that the largest share of trained configurations and seeds misclassify."""
    y_true, labels, row_ids = trained[0].y_true, trained[0].labels, trained[0].row_ids
    wrong = np.mean([1 - config.is_correct.mean(axis=0) for config in trained], axis=0)
    predictions = np.concatenate([config.predictions for config in trained])
    rows = []
    for index in sorted(np.flatnonzero(wrong), key=lambda index: (-wrong[index], row_ids[index]))[:NUM_HARDEST]:
        errors = Counter(sorted(predictions[predictions[:, index] != y_true[index], index]))
        rows.append(
            {
                "row_id": row_ids[index],
                "label": labels[y_true[index]],
                "wrong_share": float(wrong[index]),
                "most_common_prediction": labels[errors.most_common(1)[0][0]],
            }
        )
    return rows


def _classes(trained: Sequence[ConfigResult]) -> list[dict[str, Any]]:
    """Return the scores of each class over the predictions of all trained configurations, the lowest F1 first."""
    predictions = np.concatenate([config.predictions for config in trained])
    scores = _per_class(trained[0].y_true, predictions, trained[0].labels)
    return sorted(({"label": label, **row} for label, row in scores.items()), key=lambda row: row["f1"])


def _data(runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return what the records contain about the data, machines, versions and commits."""
    provenances = [run.record["provenance"] for run in runs]
    machines = [{name: each["hardware"].get(name) for name in ("processor", "gpu", "cores")} for each in provenances]
    info = dict(runs[0].record["data"])
    for of_one_split in ("split_sizes", "label_counts", "split_fingerprint"):
        info.pop(of_one_split, None)
    return {
        **info,
        "split_fingerprints": sorted({run.fingerprint for run in runs}),
        "machines": [machine for index, machine in enumerate(machines) if machine not in machines[:index]],
        "versions": provenances[0]["versions"],
        "commits": sorted({each["commit"] for each in provenances if each["commit"]}),
    }
