"""Write the results table and plot of README.md from the records in `results/`: `python scripts/update_readme.py`."""

import re
import textwrap
from pathlib import Path

import numpy as np

from bbc_classifier.evaluation.statistics import sign_flip_p_value
from bbc_classifier.io import read_json, write_text
from bbc_classifier.plots import plot_accuracy, plot_rates

README, RESULTS = Path("README.md"), Path("results")
BASELINE = "tfidf-logistic"
SEEDS = ("", "-seed43", "-seed44")
ROWS = {
    "accurate": (["accurate"], "`accurate`: MPNet, linear probe, then fine-tuned"),
    "default": ([f"default{seed}" for seed in SEEDS], "`default`: MiniLM, linear probe, fine-tuned, mean of 3 seeds"),
    "quick": (["quick"], "`quick`: frozen MiniLM, linear probe"),
    "tfidf-svm": (["tfidf-svm"], "TF-IDF, linear SVM"),
    BASELINE: ([BASELINE], "TF-IDF, logistic regression"),
    "reference": ([f"reference{seed}" for seed in SEEDS], "`reference`: MiniLM, 3 epochs, 128 tokens, mean of 3 seeds"),
}
CONTENDERS = (  # of benchmarks/inference.py
    "pipeline half precision, batch 32",
    "sentence-transformers, logistic regression",
    "ours",
    "ours, adaptive",
    "ours, onnx",
    "ours, onnx in OpenVINO",
    "ours, openvino-int8",
    "OpenVINO by itself, batch 32",
)
KINDS = {"first_30_words": "first 30 words", "first_sentence": "first sentence", "title": "title"}


def read_records() -> dict[str, list[dict]]:
    """Return the records of each row that has all of them."""
    paths = {row: [RESULTS / f"{name}-5-folds.json" for name in names] for row, (names, _) in ROWS.items()}
    return {row: [read_json(path) for path in found] for row, found in paths.items() if all(p.is_file() for p in found)}


def p_value(records: list[dict], baseline: dict, kind: str = "whole") -> str:
    """Return the p-value of the exact paired sign-flip test against a baseline, on correctness averaged over seeds."""

    def errors(record: dict) -> dict:
        return record["misclassified"] if kind == "whole" else record["misclassified_by_length"][kind]

    wrong, other = [errors(record) for record in records], errors(baseline)
    rows = sorted(set(other).union(*wrong))
    is_correct = ([[row not in each for row in rows] for each in group] for group in (wrong, [other]))
    return shown_p(sign_flip_p_value(*map(np.array, is_correct)))


def shown_p(value: float) -> str:
    """Return a p-value with one digit if it is very small, else with three decimals."""
    return f"{value:.1g}" if value < 0.001 else f"{value:.3f}"


def table(records: dict[str, list[dict]]) -> str:
    """Return the Markdown tables: whole texts, and parts of them."""
    first = ["| | errors of 2,121 | accuracy | macro F1 | log loss | ECE | p, TF-IDF SVM | p, TF-IDF logistic |"]
    first.append("|---" * 8 + "|")
    columns = [f"{name} | ECE" for name in KINDS.values()]
    second = [f"| | {' | '.join(columns)} |", "|---" * (1 + 2 * len(columns)) + "|"]
    for row, found in records.items():
        reports = [record["out_of_fold"] for record in found]
        accuracies = [report["metrics"]["accuracy"] for report in reports]
        low, high = reports[0]["intervals"]["accuracy"] if len(found) == 1 else (min(accuracies), max(accuracies))
        cells = [
            f"{np.mean([report['n'] - report['correct'] for report in reports]):.0f}",
            f"{np.mean(accuracies):.3f} ({'' if len(found) == 1 else 'seeds '}{low:.3f} to {high:.3f})",
        ]
        for name in ("macro_f1", "log_loss", "expected_calibration_error"):
            values = [report["metrics"][name] for report in reports if name in report["metrics"]]
            cells.append(f"{np.mean(values):.3f}" if values else "")
        cells += ["" if row == other else p_value(found, records[other][0]) for other in ("tfidf-svm", BASELINE)]
        first.append(f"| {ROWS[row][1]} | {' | '.join(cells)} |")
        if found[0].get("by_length"):
            cells = []
            for kind in KINDS:
                parts = [record["by_length"][kind] for record in found]
                cells.append(f"{np.mean([part['correct'] / part['n'] for part in parts]):.3f}")
                cells.append(f"{np.mean([part['expected_calibration_error'] for part in parts]):.3f}")
            second.append(f"| {ROWS[row][1]} | {' | '.join(cells)} |")
    first_record = records["default"][0]
    hardware, precision = first_record["provenance"]["hardware"], first_record["folds"][0]["training"]["precision"]
    times = []
    for row in ("accurate", "default", "quick"):
        if row in records and records[row][0]["provenance"]["hardware"] == hardware:
            seconds = [fold["seconds"]["total"] for fold in records[row][0]["folds"]]
            times.append(f"`{row}` {np.median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f})")
    paragraphs = (
        "BBC News, each article predicted out of five folds; 95 % Wilson intervals in brackets; ECE: expected "
        "calibration error; p: exact paired sign-flip test on correctness averaged over seeds (with one seed McNemar's "
        "test), not adjusted. TF-IDF and the head of `quick` are fitted on train and validation, the others on train. "
        "`accurate` against `default`: "
        f"p = {p_value(records['default'], records['accurate'][0])}. Records: `results/`, by "
        "`scripts/cross_validate.py`.",
        f"Seconds a fold, from data to evaluation on {hardware['cores']} cores ({hardware['processor']}, "
        f"{precision}; median, least and most): {', '.join(times)}.",
    )
    below, last = (textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    return "\n".join([*first, "", below, "", "Accuracy on parts of the same articles:", "", *second, "", last])


def other_corpora() -> str:
    """Return the Markdown table of the corpora other than BBC News."""
    lines = ["| | words (median) | labels | train, test rows | `default` | TF-IDF, SVM | p |", "|---" * 7 + "|"]
    for name, row in read_json(RESULTS / "other-corpora.json")["corpora"].items():
        accuracies = f"{row['default']['accuracy']:.3f} | {row['tfidf-svm']['accuracy']:.3f}"
        sizes = f"{row['rows']['train']:,}, {row['rows']['test']:,}"
        shown = shown_p(row["tfidf-svm"]["mcnemar"]["p_value"])
        lines.append(f"| {name} | {row['median_words']:.0f} | {row['labels']} | {sizes} | {accuracies} | {shown} |")
    title = "Accuracy on other corpora (at most 4,000 rows a split), both fitted on the same rows, same recipe:"
    return "\n".join([title, "", *lines])


def few_labels() -> str:
    """Return the Markdown table of trainings on few articles a class."""
    record = read_json(RESULTS / "few-labels.json")
    sizes = record["sizes"]
    names = {"tfidf-svm": ROWS["tfidf-svm"][1], "setfit": f"SetFit, {record['setfit_steps']} steps"}
    lines = [f"| | {' | '.join(f'{size} a class: whole, title' for size in sizes)} |", "|---" * (1 + len(sizes)) + "|"]
    for method in ("default", "few", "tfidf-svm", "setfit"):
        cells = []
        for entry in (methods.get(method) for methods in sizes.values()):
            draws = f" ({len(entry['runs'])})" if entry else ""
            cells.append(f"{entry['whole']['mean']:.3f}, {entry['title']['mean']:.3f}{draws}" if entry else "")
        lines.append(f"| {names.get(method, f'`{method}`')} | {' | '.join(cells)} |")
    title = "Accuracy after training on few articles, mean of draws (their number), `results/few-labels.json`:"
    return "\n".join([title, "", *lines])


def inference() -> str:
    """Return the Markdown table of predictions a second; write the plot."""
    record = read_json(RESULTS / "inference.json")
    cases = {name: case["contenders"] for name, case in record["cases"].items()}
    lines = [f"| texts a second (times `pipeline` in fp32, one by one) | {' | '.join(cases)} |"]
    lines.append("|---" * (len(cases) + 1) + "|")
    rates: dict[str, dict[str, float]] = {name: {} for name in cases}
    for name in CONTENDERS:
        shown, rows = name.replace("ours", "this package"), {case: rows[name] for case, rows in cases.items()}
        for case, row in rows.items():
            rates[case][shown] = row["texts_per_second"]["median"]
        cells = [f"{rates[case][shown]:,.0f} (× {row['ratio']:.1f})" for case, row in rows.items()]
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    plot_rates(rates, RESULTS / "figures" / "inference.png", title="MiniLM, two cores with bf16, by length of texts")
    return "\n".join(lines)


def main() -> None:
    """Rewrite the part of README.md between the markers, and the plot."""
    records = read_records()
    configurations = []
    for row, found in records.items():
        reports = [record["out_of_fold"] for record in found]
        configurations.append({"name": row, "baseline": row.startswith("tfidf"), "groups": "", "per_seed": reports})
    plot_accuracy(configurations, RESULTS / "figures" / "accuracy.png", title="BBC News, out of fold, 95 % intervals")
    text = README.read_text(encoding="utf-8")
    first, last = "<!-- results: written by scripts/update_readme.py -->", "<!-- /results -->"
    section = "\n\n".join([first, table(records), other_corpora(), few_labels(), inference(), last])
    write_text(README, re.sub(r"<!-- results.*<!-- /results -->", lambda _: section, text, flags=re.DOTALL))
    print(f"Written: {README}")


if __name__ == "__main__":
    main()
