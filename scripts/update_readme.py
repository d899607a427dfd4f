"""Write the results table and plot of README.md from the records in `results/`: `python scripts/update_readme.py`."""

import re
from pathlib import Path

import numpy as np

from bbc_classifier.evaluation.statistics import mcnemar
from bbc_classifier.io import read_json, write_text
from bbc_classifier.plots import plot_accuracy

README, RESULTS = Path("README.md"), Path("results")
BASELINE = "tfidf-svm"
# Records of one row, and its name in the table.
ROWS = {
    "accurate": (["accurate"], "`accurate`: frozen MiniLM and TF-IDF in one model"),
    "default": (["default"], "`default`: frozen MiniLM, linear probe"),
    BASELINE: ([BASELINE], "TF-IDF, linear SVM"),
    "tfidf-logistic": (["tfidf-logistic"], "TF-IDF, logistic regression"),
    "reference": (
        ["reference", "reference-seed43", "reference-seed44"],
        "`reference`: MiniLM fine-tuned, 3 epochs, 128 tokens, mean of 3 seeds",
    ),
}


def read_records() -> dict[str, list[dict]]:
    """Return the records of each row that has all of them."""
    paths = {row: [RESULTS / f"{name}-5-folds.json" for name in names] for row, (names, _) in ROWS.items()}
    return {row: [read_json(path) for path in found] for row, found in paths.items() if all(p.is_file() for p in found)}


def p_value(records: list[dict], baseline: dict) -> str:
    """Return McNemar's exact p-value against the baseline, the largest of several seeds."""
    articles = sorted({row for record in [*records, baseline] for row in record["misclassified"]})
    values = []
    for record in records:
        first, second = (
            np.array([row not in each["misclassified"] for row in articles]) for each in (record, baseline)
        )
        values.append(mcnemar(first, second)["p_value"])
    return f"{max(values):.3f}"


def table(records: dict[str, list[dict]]) -> str:
    """Return the Markdown table."""
    lines = [
        "| | errors of 2,121 | accuracy | macro F1 | log loss | ECE | p against TF-IDF |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, found in records.items():
        reports = [record["out_of_fold"] for record in found]
        metrics = {
            name: float(np.mean([report["metrics"][name] for report in reports]))
            for name in reports[0]["metrics"]
            if all(name in report["metrics"] for report in reports)
        }
        errors = [report["n"] - report["correct"] for report in reports]
        if len(reports) == 1:
            spread = " ({:.3f} to {:.3f})".format(*reports[0]["intervals"]["accuracy"])
        else:
            accuracies = [report["metrics"]["accuracy"] for report in reports]
            spread = f" (seeds {min(accuracies):.3f} to {max(accuracies):.3f})"
        others = [
            f"{metrics[name]:.3f}" if name in metrics else "" for name in ("log_loss", "expected_calibration_error")
        ]
        p = "" if row == BASELINE else p_value(found, records[BASELINE][0])
        cells = [
            f"{np.mean(errors):.0f}",
            f"{metrics['accuracy']:.3f}{spread}",
            f"{metrics['macro_f1']:.3f}",
            *others,
            p,
        ]
        lines.append(f"| {ROWS[row][1]} | {' | '.join(cells)} |")
    run = read_json(RESULTS / "default-seed42.json")
    test, hardware = run["evaluation"]["test"], records["default"][0]["provenance"]["hardware"]
    seconds = [fold["seconds"]["total"] for fold in records["default"][0]["folds"]]
    memory = run["peak_memory_mb"]["rss"] / 1024
    low, high = test["intervals"]["accuracy"]
    lines += [
        "",
        "BBC News, each article predicted out of five folds; 95 % Wilson intervals in brackets; p: McNemar's exact "
        "test, of several seeds the largest. Records: `results/`, written by `python scripts/cross_validate.py NAME`.",
        "",
        f"On the fixed split, `default` has a test accuracy of {test['metrics']['accuracy']:.3f} ({low:.3f} to "
        f"{high:.3f}, n = {test['n']}; `results/default-seed42.json`). A fold of it, from data to evaluation, took "
        f"{np.median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f}) and {memory:.1f} GiB on "
        f"{hardware['cores']} cores ({hardware['processor']}, {run['training']['precision']}).",
    ]
    return "\n".join(lines)


def main() -> None:
    """Rewrite the part of README.md between the markers, and the plot."""
    records = read_records()
    configurations = [
        {
            "name": row,
            "baseline": row.startswith("tfidf"),
            "groups": "",
            "per_seed": [record["out_of_fold"] for record in found],
        }
        for row, found in records.items()
    ]
    plot_accuracy(configurations, RESULTS / "figures" / "accuracy.png", title="BBC News, out of fold, 95 % intervals")
    text = README.read_text(encoding="utf-8")
    section = f"<!-- results: written by scripts/update_readme.py -->\n\n{table(records)}\n\n<!-- /results -->"
    write_text(README, re.sub(r"<!-- results.*<!-- /results -->", lambda _: section, text, flags=re.DOTALL))
    print(f"Written: {README}")


if __name__ == "__main__":
    main()
