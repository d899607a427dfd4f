"""Cross-validate a recipe or a baseline on BBC News: `python scripts/cross_validate.py default [--seed 43]`.

Writes `results/<name>[-seed<seed>]-5-folds.json`: metrics of all articles, each predicted by the model of the fold that
did not train on it, and the misclassified articles by row id, so that two records can be compared article by article.
"""

import argparse
import logging
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from bbc_classifier import DataArguments, ModelArguments, TrainArguments, train
from bbc_classifier.config import RECIPE_NAMES
from bbc_classifier.data.loading import load_splits
from bbc_classifier.evaluation.baselines import BASELINES, run_baseline
from bbc_classifier.evaluation.metrics import classification_report
from bbc_classifier.io import write_json
from bbc_classifier.provenance import environment

RESULTS = Path("results")


def run_fold(name: str, seed: int, data_args: DataArguments) -> tuple[pd.DataFrame, dict]:
    """Return the test predictions of one fold and its part of the record."""
    if name in BASELINES:
        data = load_splits(data_args)
        result, test = run_baseline(name, data), data.dataset["test"]
        table = pd.DataFrame({"row_id": test["row_id"][:]})
        for column, indices in (("label", test["label"][:]), ("prediction", result.predictions)):
            table[column] = [data.label_names[index] for index in indices]
        if result.probabilities is not None:
            table[[f"p_{label}" for label in data.label_names]] = result.probabilities
        fingerprint = data.info["split_fingerprint"]
        return table, {"split_fingerprint": fingerprint, "seconds": {"train": round(result.seconds, 2)}}
    output_dir = Path("runs") / "folds" / f"{name}-seed{seed}-fold{data_args.fold}"
    record = train(ModelArguments(recipe=name), data_args, TrainArguments(seed=seed, output_dir=str(output_dir))).record
    fold = {
        "split_fingerprint": record["data"]["split_fingerprint"],
        "validation": {name: record["evaluation"]["validation"][name] for name in ("n", "correct")},
        "training": record["training"],
        "weights_sha256": record["model"]["weights_sha256"],
        "seconds": record["seconds"],
    }
    return pd.read_parquet(output_dir / "predictions" / "test.parquet"), fold


def main() -> None:
    """Run all folds and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=[*RECIPE_NAMES, *BASELINES])
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    tables, folds = [], []
    for fold in range(options.folds):
        data_args = DataArguments(folds=options.folds, fold=fold)
        table, summary = run_fold(options.name, options.seed, data_args)
        tables.append(table)
        correct = int((table["label"] == table["prediction"]).sum())
        folds.append({"fold": fold, "n": len(table), "correct": correct, **summary})
    table = pd.concat(tables)
    labels = sorted(set(table["label"]))
    y_true, y_pred = (np.array([labels.index(name) for name in table[column]]) for column in ("label", "prediction"))
    columns = [f"p_{name}" for name in labels]
    probabilities = table[columns].to_numpy() if set(columns) <= set(table) else None
    wrong = table[y_true != y_pred]
    record = {
        "schema": 2,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": options.name,
        "seed": options.seed,
        "data": {"name": "bbc-news", "folds": options.folds},
        "folds": folds,
        "out_of_fold": classification_report(y_true, probabilities, labels, predictions=y_pred),
        "misclassified": dict(sorted(zip(wrong["row_id"], wrong["prediction"], strict=True))),
        "provenance": environment(),
    }
    suffix = "" if options.seed == 42 else f"-seed{options.seed}"
    path = RESULTS / f"{options.name}{suffix}-{options.folds}-folds.json"
    write_json(path, record)
    accuracy, (low, high) = record["out_of_fold"]["metrics"]["accuracy"], record["out_of_fold"]["intervals"]["accuracy"]
    print(f"{options.name}: {len(wrong)} errors of {len(table)}, accuracy {accuracy:.4f} ({low:.4f} to {high:.4f})")
    print(f"Written: {path}")


if __name__ == "__main__":
    main()
