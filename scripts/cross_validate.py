"""Cross-validate a recipe or a baseline on BBC News: `python scripts/cross_validate.py default [--seed 43]`.

Writes `results/<name>[-seed<seed>]-5-folds.json`: metrics of all articles, each predicted by the model of the fold that
did not train on it, and the misclassified articles by row id, so that two records can be compared article by article.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from bbc_classifier import DataArguments, ModelArguments, TrainArguments, train
from bbc_classifier.config import ENCODER_RECIPES, RECIPE_NAMES
from bbc_classifier.data.loading import load_splits
from bbc_classifier.evaluation.baselines import BASELINES, run_baseline
from bbc_classifier.evaluation.calibration import expected_calibration_error
from bbc_classifier.evaluation.metrics import classification_report
from bbc_classifier.evaluation.statistics import wilson_interval
from bbc_classifier.io import write_json
from bbc_classifier.provenance import environment, record_header

RESULTS = Path("results")
ENCODERS = {recipe: encoder for encoder, recipe in ENCODER_RECIPES.items()}


def run_fold(name: str, seed: int, data_args: DataArguments, train_only: bool) -> tuple[pd.DataFrame, dict]:
    """Return the test predictions of one fold and its part of the record.

    With `train_only` a baseline is fitted without the validation rows, which the recipes use to choose and calibrate.
    """
    if name in BASELINES:
        data = load_splits(data_args)
        result, test = run_baseline(name, data, use_validation=not train_only), data.dataset["test"]
        table = pd.DataFrame({"row_id": test["row_id"][:]})
        for column, indices in (("label", test["label"][:]), ("prediction", result.predictions)):
            table[column] = [data.label_names[index] for index in indices]
        if result.probabilities is not None:
            table[[f"p_{label}" for label in data.label_names]] = result.probabilities
        for excerpt, probabilities in result.by_length.items():
            table[f"prediction_{excerpt}"] = [data.label_names[index] for index in probabilities.argmax(axis=1)]
            table[f"confidence_{excerpt}"] = probabilities.max(axis=1)
        fingerprint = data.info["split_fingerprint"]
        return table, {"split_fingerprint": fingerprint, "seconds": {"train": round(result.seconds, 2)}}
    output_dir = Path("runs") / "folds" / f"{name}-seed{seed}-fold{data_args.fold}"
    model_args = ModelArguments(encoder=ENCODERS.get(name, "minilm"), recipe=name)
    record = train(model_args, data_args, TrainArguments(seed=seed, output_dir=str(output_dir))).record
    fold = {
        "split_fingerprint": record["data"]["split_fingerprint"],
        "validation": {name: record["evaluation"]["validation"][name] for name in ("n", "correct")},
        "training": record["training"],
        "weights_sha256": record["model"]["weights_sha256"],
        "commit": record["provenance"]["commit"],
        "seconds": record["seconds"],
    }
    return pd.read_parquet(output_dir / "predictions" / "test.parquet"), fold


def main() -> None:
    """Run all folds and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=[*RECIPE_NAMES, *BASELINES])
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--train_only", action="store_true", help="fit a baseline without the validation rows")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("bbc_classifier").setLevel(logging.INFO)
    tables, folds = [], []
    for fold in range(options.folds):
        data_args = DataArguments(folds=options.folds, fold=fold)
        table, summary = run_fold(options.name, options.seed, data_args, options.train_only)
        tables.append(table)
        correct = int((table["label"] == table["prediction"]).sum())
        folds.append({"fold": fold, "n": len(table), "correct": correct, **summary})
    table = pd.concat(tables)
    labels = sorted(set(table["label"]))
    y_true, y_pred = (np.array([labels.index(name) for name in table[column]]) for column in ("label", "prediction"))
    columns = [f"p_{name}" for name in labels]
    probabilities = table[columns].to_numpy() if set(columns) <= set(table) else None
    wrong = table[y_true != y_pred]
    by_length, wrong_by_length = {}, {}
    for column in (name for name in table if name.startswith("confidence_")):
        kind = column.removeprefix("confidence_")
        predictions, confidence = table[f"prediction_{kind}"], table[column].to_numpy()
        is_correct = (predictions == table["label"]).to_numpy()
        by_length[kind] = {
            "n": len(table),
            "correct": int(is_correct.sum()),
            "interval": wilson_interval(int(is_correct.sum()), len(table)),
            "mean_confidence": float(confidence.mean()),
            # As a question of yes or no: whether the prediction is correct.
            "expected_calibration_error": expected_calibration_error(is_correct[:, None], confidence[:, None]),
        }
        rows = zip(table["row_id"][~is_correct], predictions[~is_correct], strict=True)
        wrong_by_length[kind] = dict(sorted(rows))
    record = {
        **record_header(),
        "name": options.name,
        "seed": options.seed,
        "data": {"name": "bbc-news", "folds": options.folds},
        "folds": folds,
        "out_of_fold": classification_report(y_true, probabilities, labels, predictions=y_pred),
        "by_length": by_length,
        "misclassified_by_length": wrong_by_length,
        "misclassified": dict(sorted(zip(wrong["row_id"], wrong["prediction"], strict=True))),
        "provenance": environment(),
    }
    suffix = ("" if options.seed == 42 else f"-seed{options.seed}") + ("-train-only" if options.train_only else "")
    path = RESULTS / f"{options.name}{suffix}-{options.folds}-folds.json"
    write_json(path, record)
    accuracy, (low, high) = record["out_of_fold"]["metrics"]["accuracy"], record["out_of_fold"]["intervals"]["accuracy"]
    print(f"{options.name}: {len(wrong)} errors of {len(table)}, accuracy {accuracy:.4f} ({low:.4f} to {high:.4f})")
    for kind, row in by_length.items():
        print(f"{kind}: {row['correct'] / row['n']:.4f}, ECE {row['expected_calibration_error']:.4f}")
    print(f"Written: {path}")


if __name__ == "__main__":
    main()
