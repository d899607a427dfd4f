"""From run directories to `results.json`: metrics with intervals, paired tests and groups. Needs no torch."""

import logging
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, confusion_matrix, log_loss, precision_recall_fscore_support

from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.calibration import expected_calibration_error, reliability_curve
from bbc_classifier.evaluation.statistics import holm, letter_groups, paired_difference, wilson_interval
from bbc_classifier.io import read_json
from bbc_classifier.provenance import record_header

logger = logging.getLogger(__name__)

# In a comparison's directory, beside runs/: options, unsupported combinations and titles; and a file per failed run.
COMPARISON, FAILURES = "comparison.json", "failures"
# Probability of finding any two configurations different if none are (Holm's adjustment).
SIGNIFICANCE = 0.05
# The baseline to beat is the better of these.
TFIDF_BASELINES = ("tfidf-svm", "tfidf-logistic")
NUM_HARDEST = 50
LENGTH_METRICS = ("accuracy", "mean_confidence", "expected_calibration_error")
# Options that may differ between the runs of one configuration.
PER_RUN_OPTIONS = frozenset({"seed", "data_seed", "fold", "max_train_samples", "refit_on_validation", "use_cpu"})


@dataclass(frozen=True)
class RunResult:
    """A finished run or baseline: its directory, `record.json`, and test predictions by row id.

    The columns of `predictions` are `label`, `prediction`, and `p_<label>` where there are probabilities.
    """

    path: Path
    record: dict[str, Any]
    predictions: pd.DataFrame

    @property
    def options(self) -> dict[str, Any]:
        """Options of model, data and training by name."""
        return {name: value for group in self.record["options"].values() for name, value in group.items()}

    @property
    def name(self) -> str:
        """Name of the configuration: encoder and pooling, or the baseline."""
        encoder = self.record.get("encoder")  # in the record of a trained run, `baseline` is its comparison with TF-IDF
        return f"{encoder['name']}-{self.options['pooling']}" if encoder else self.record["baseline"]

    @property
    def labels(self) -> list[str]:
        """Label names in the order of their indices."""
        return self.record["evaluation"]["test"]["confusion_matrix"]["labels"]


@dataclass(frozen=True)
class ConfigResult:
    """Predictions of one configuration for every test example, once per seed."""

    name: str
    train_size: int | None  # limit of training rows; None for all
    encoder: str | None  # None for a baseline, as the pooling
    pooling: str | None
    runs: list[list[RunResult]]  # by seed and fold
    labels: list[str]
    row_ids: list[str]  # of the test examples, which are equal in all configurations
    y_true: np.ndarray  # (examples,) label indices
    predictions: np.ndarray  # (seeds, examples) label indices
    probabilities: np.ndarray | None  # (seeds, examples, labels)

    @property
    def is_correct(self) -> np.ndarray:
        """(seeds, examples) booleans."""
        return self.predictions == self.y_true

    def confusion_matrix(self) -> np.ndarray:
        """Return (labels, labels) counts, true labels down, summed over seeds."""
        y_true = np.tile(self.y_true, len(self.predictions))
        return confusion_matrix(y_true, self.predictions.ravel(), labels=range(len(self.labels)))


def load_runs(paths: Sequence[Path]) -> list[RunResult]:
    """Return the finished runs in run directories, directories of runs, and comparisons."""
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
            if "test" not in record["evaluation"]:
                logger.warning("'%s' has no test rows and is left out", directory)
                continue
            predictions = pd.read_parquet(directory / "predictions" / "test.parquet")
            runs[directory.resolve()] = RunResult(directory, record, predictions.set_index("row_id").sort_index())
    if not runs:
        raise UserError("no run has test rows; train with --test_fraction above 0")
    return list(runs.values())


def merge_runs(runs: Sequence[RunResult]) -> tuple[list[ConfigResult], dict[str, str]]:
    """Combine seeds and folds into one `ConfigResult` per configuration and training size.

    Also return, by the name of each incomplete one, what it lacks. Runs with different data, folds or options, and a
    run that occurs twice, are a UserError.
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
        other = seen.setdefault((key[1], fold), run)
        fingerprints = (each.record["data"]["split_fingerprint"] for each in (run, other))
        if (options["folds"], run.labels) != (folds, first.labels) or len(set(fingerprints)) > 1:
            other = first if other is run else other
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
            seeds = [seed for seed, seed_runs in by_seed.items() if seed_runs not in complete]
            missing = "folds" if seeds == [None] else f"folds of seed {', '.join(map(str, seeds))}"
            name_and_size = name if size is None else f"{name}, {size} rows"
            incomplete[name_and_size] = f"{missing} are missing"
        if complete:
            configs.append(_config_result(name, size, complete, y_true))
    if not configs:
        raise UserError("no configuration has all its folds yet; finish the comparison first")
    return configs, incomplete


def _config_result(name: str, size: int | None, runs: list[list[RunResult]], y_true: pd.Series) -> ConfigResult:
    first, tables = runs[0][0], [pd.concat([run.predictions for run in seed_runs]).sort_index() for seed_runs in runs]
    if any(not table["label"].equals(y_true) for table in tables):
        raise UserError(f"the runs of {name}, such as '{first.path}', were tested on other examples than the rest")
    labels, columns = pd.Index(first.labels), [f"p_{label}" for label in first.labels]
    return ConfigResult(
        name=name,
        train_size=size,
        encoder=first.record.get("encoder", {}).get("name"),
        pooling=first.options.get("pooling"),
        runs=runs,
        labels=first.labels,
        row_ids=y_true.index.tolist(),
        y_true=labels.get_indexer(y_true),
        predictions=np.stack([labels.get_indexer(table["prediction"]) for table in tables]),
        probabilities=np.stack([table[columns].to_numpy() for table in tables]) if columns[0] in tables[0] else None,
    )


def compute_results(runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return everything the report shows about finished runs, baselines included, as plain data."""
    configs, incomplete = merge_runs(runs)
    # The table and the tests are about the configurations trained on the most rows.
    largest = max(config.train_size or math.inf for config in configs)
    ranked = [config for config in configs if (config.train_size or math.inf) == largest]
    names = {config.name for config in ranked}
    incomplete = {each.name: "trained on fewer rows" for each in configs if each.name not in names} | incomplete
    ranked.sort(key=lambda config: (-config.is_correct.mean(), config.name))
    trained = [config for config in ranked if config.encoder]
    # The more accurate one of a pair is first.
    pairs = [
        {"first": one.name, "second": other.name, **paired_difference(one.is_correct, other.is_correct)}
        for one, other in combinations(ranked, 2)
    ]
    for pair, adjusted in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
        pair |= {"p_value_holm": adjusted, "different": adjusted <= SIGNIFICANCE}
    different = [(row["first"], row["second"]) for row in pairs if row["different"]]
    groups = letter_groups([config.name for config in ranked], different)
    names = {config.name for config in trained}
    baseline = next((config.name for config in ranked if config.name in TFIDF_BASELINES), None)
    return {
        **record_header(),
        "protocol": {"folds": runs[0].options["folds"], "articles": len(ranked[0].row_ids)},
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
        **(_hardest(trained) if trained else {"hardest_examples": [], "classes": []}),
        "data": _data([run.record for run in runs]),
        "incomplete": incomplete,
    }


def _effects(configs: Sequence[ConfigResult], factor: str, within: str) -> list[dict[str, Any]]:
    """Compare two poolings (or encoders) within each encoder (or pooling) that has both, and over all of these.

    The overall row stacks blocks as if they were seeds, equally many of each, so that each counts the same.
    """
    table: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for config in configs:
        table[getattr(config, factor)][getattr(config, within)] = config.is_correct
    rows = []
    for first, second in combinations(table, 2):
        blocks = {name: (table[first][name], table[second][name]) for name in table[first] if name in table[second]}
        if len(blocks) > 1:
            seeds = min(len(correct) for pair in blocks.values() for correct in pair)
            one, other = (np.concatenate([pair[i][:seeds] for pair in blocks.values()]) for i in (0, 1))
            blocks[f"every {within}"] = (one, other)
        for name, pair in blocks.items():
            rows.append({"first": first, "second": second, "within": name, **paired_difference(*pair)})
    return rows


def _describe(config: ConfigResult) -> dict[str, Any]:
    """Return the metrics of a configuration per seed and their mean, its confusion matrix and its cost."""
    per_seed = [_seed_metrics(config, seed) for seed in range(len(config.runs))]
    metrics = pd.DataFrame([entry["metrics"] for entry in per_seed])
    intervals = [entry["intervals"]["accuracy"] for entry in per_seed]
    counts, curve = config.confusion_matrix(), None
    if config.probabilities is not None:
        y_true = np.tile(config.y_true, len(per_seed))
        curve = reliability_curve(y_true, np.concatenate(config.probabilities))
    records = [run.record for seed_runs in config.runs for run in seed_runs]
    tests, model = [record["evaluation"]["test"] for record in records], records[0].get("model", {})
    times = [1000 * test["seconds"] / test["n"] for test in tests if "seconds" in test]
    # A resumed run lacks the seconds before it was stopped.
    seconds = [each["seconds"]["train"] for each in records if not each.get("training", {}).get("resumed")]
    return {
        "name": config.name,
        "baseline": config.encoder is None,
        "encoder": config.encoder,
        "pooling": config.pooling,
        "train_size": config.train_size,
        "n": len(config.y_true),
        "seeds": [entry["seed"] for entry in per_seed],
        "mean": metrics.mean().to_dict(),
        "std": metrics.std().to_dict() if len(per_seed) > 1 else {},
        "per_seed": per_seed,
        "accuracy_interval": [min(low for low, _ in intervals), max(high for _, high in intervals)],
        "by_length": _by_length(tests),
        "per_class": _class_scores(counts, config.labels).to_dict("index"),
        "confusion_matrix": {"labels": config.labels, "counts": counts.tolist()},
        "reliability": curve,
        "train_seconds": statistics.median(seconds) if seconds else None,
        "milliseconds_per_text": statistics.median(times) if times else None,
        "num_parameters": model.get("num_parameters"),
        "weights_bytes": model.get("weights_bytes"),
        "shapes": model.get("shapes"),
        "configuration": records[0]["options"],
    }


def _by_length(tests: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the means over runs, weighted by their test texts, of `LENGTH_METRICS` on each part of the texts."""
    first, *others = (test.get("by_length", {}) for test in tests)
    return {
        part: {
            name: float(np.average([test["by_length"][part][name] for test in tests], weights=[t["n"] for t in tests]))
            for name in LENGTH_METRICS
        }
        for part in first
        if all(part in other for other in others)
    }


def _class_scores(counts: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Return true and false positives, false negatives and scores of each class; a zero denominator gives 0."""
    tp, predicted, true = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    scores = {
        "tp": tp,
        "fp": predicted - tp,
        "fn": true - tp,
        "precision": tp / np.maximum(predicted, 1),
        "recall": tp / np.maximum(true, 1),
        "f1": 2 * tp / np.maximum(predicted + true, 1),
    }
    return pd.DataFrame(scores, index=labels)


def _seed_metrics(config: ConfigResult, seed: int) -> dict[str, Any]:
    """Return the metrics of one seed over all examples, with Wilson's interval of the accuracy."""
    correct, n, labels = int(config.is_correct[seed].sum()), len(config.y_true), range(len(config.labels))
    scores = precision_recall_fscore_support(config.y_true, config.predictions[seed], average="macro", zero_division=0)
    names = ("macro_precision", "macro_recall", "macro_f1")
    metrics = {"accuracy": correct / n, **dict(zip(names, map(float, scores[:3]), strict=True))}
    if config.probabilities is not None:
        probabilities = config.probabilities[seed] / config.probabilities[seed].sum(axis=1, keepdims=True)
        brier_score = brier_score_loss(config.y_true, probabilities, labels=labels, scale_by_half=False)
        metrics |= {
            "log_loss": float(log_loss(config.y_true, probabilities, labels=labels)),
            "brier_score": float(brier_score),
            "expected_calibration_error": expected_calibration_error(config.y_true, probabilities),
        }
    return {
        "seed": config.runs[seed][0].options.get("seed"),
        "correct": correct,
        "metrics": metrics,
        "intervals": {"accuracy": wilson_interval(correct, n)},
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


def _hardest(trained: Sequence[ConfigResult]) -> dict[str, list[dict[str, Any]]]:
    """Return the examples that most trained configurations misclassify, and all classes, the lowest F1 first."""
    y_true, labels, row_ids = trained[0].y_true, np.array(trained[0].labels, dtype=object), trained[0].row_ids
    wrong = np.mean([1 - config.is_correct.mean(axis=0) for config in trained], axis=0)
    rows = pd.DataFrame({"row_id": row_ids, "label": labels[y_true], "wrong_share": wrong})[wrong > 0]
    rows = rows.sort_values(["wrong_share", "row_id"], ascending=[False, True])[:NUM_HARDEST]
    errors = pd.DataFrame(np.concatenate([config.predictions[:, rows.index] for config in trained]))
    commonest = errors.mask(errors == y_true[rows.index]).mode()[:1].to_numpy(int).ravel()
    scores = _class_scores(np.sum([config.confusion_matrix() for config in trained], axis=0), trained[0].labels)
    scores = scores.assign(support=np.bincount(y_true, minlength=len(labels))).sort_values("f1", kind="stable")
    return {
        "hardest_examples": rows.assign(most_common_prediction=labels[commonest]).to_dict("records"),
        "classes": scores.rename_axis("label").reset_index().to_dict("records"),
    }


def _data(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the records contain about the data, machines, versions and commits."""
    provenances = [record["provenance"] for record in records]
    hardware = ([each["hardware"].get(name) for name in ("processor", "gpu", "cores")] for each in provenances)
    encoders = [record["encoder"] for record in records if "encoder" in record]
    saw_test_rows = {encoder["name"] for encoder in encoders if encoder.get("test_rows_seen")}
    of_one_split = ("split_sizes", "label_counts", "split_fingerprint")
    return {
        **{name: value for name, value in records[0]["data"].items() if name not in of_one_split},
        "encoders_that_saw_test_rows": sorted(saw_test_rows),
        "split_fingerprints": sorted({record["data"]["split_fingerprint"] for record in records}),
        "machines": sorted({", ".join(str(part) for part in parts if part) for parts in hardware}),
        "versions": provenances[0]["versions"],
        "commits": sorted({each["commit"] for each in provenances if each["commit"]}),
    }
