"""The figures in the README, written from committed records, so that none is typed by hand."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bbc_classifier.evaluation.recipe_comparison import is_not_inferior
from bbc_classifier.records import read_json

SIGNIFICANCE = 0.05
# What the README is written from: by name the file in `results/`, or the files of several seeds.
RECORDS: dict[str, str | list[str]] = {
    "run": "minilm-mean-seed42.json",
    "default": "minilm-mean-5-folds.json",
    "accurate": "accurate-5-folds.json",
    "reference": [f"reference-seed{seed}-5-folds.json" for seed in (42, 43, 44)],
    "baseline": "tfidf-5-folds.json",
    "recipes": "recipes.json",
    "peers": "peers.json",
    "step": "training-step.json",
    "audit": "audit_scale.json",
}
DEFAULT_PEER, STOCK_PEER = "this package, default recipe", "stock Trainer recipe"
OUR_STEP, STEP_TOKENS = "ours, bf16, no encoder dropout", "128"


def read_records(results: Path) -> dict[str, Any]:
    """Return the records by name, lists of them where there are several seeds."""
    return {
        name: [read_json(results / file) for file in files] if isinstance(files, list) else read_json(results / files)
        for name, files in RECORDS.items()
    }


def readme_section(records: Mapping[str, Any]) -> str:
    """Return the tables and sentences: the recipes, how they compare, what they cost, and what large audits take.

    Raises:
        ValueError: Two records are of different folds.
    """
    folds = [records["default"], records["accurate"], records["baseline"], *records["reference"]]
    if len({tuple(fold["split_fingerprint"] for fold in record["folds"]) for record in folds}) > 1:
        raise ValueError("the records of the recipes and of the baseline are of different folds")
    count = len(records["default"]["folds"])
    rows = [
        "| BBC News | n | accuracy | macro F1 | log loss | calibration error |",
        "|---|---|---|---|---|---|",
        _row("`default`, fixed split, test, seed 42", records["run"]["evaluation"]["test"]),
        _row(f"`default`, {count} folds, every article predicted out of fold", records["default"]["out_of_fold"]),
        _row("`accurate` (the encoder's view and TF-IDF's, mixed), the same folds", records["accurate"]["out_of_fold"]),
        _row_of_seeds(f"`reference`, {len(records['reference'])} seeds, the same folds", records["reference"]),
        _row("TF-IDF and a linear SVM, the same folds", records["baseline"]["out_of_fold"]),
    ]
    parts = [
        _setting(records["run"]),
        comparison_sentences(records["recipes"]),
        speed_sentences(records["peers"], records["step"]),
        _audit_sentence(records["audit"]),
    ]
    return "\n".join([*rows, "", "\n\n".join(parts), ""])


def comparison_sentences(recipes: Mapping[str, Any]) -> str:
    """Return what the comparison of the recipes, article by article, says in words.

    Args:
        recipes: The record of `compare_recipes`.
    """
    lines = []
    for pair in recipes["pairs"]:
        points, bound = 100 * pair["difference"], 100 * pair["lower_bound"]
        low, high = (100 * edge for edge in pair["interval"])
        text = (
            f"- **{pair['first']} and {pair['second']}**: {pair['first_errors']:.0f} and {pair['second_errors']:.0f} "
            f"errors; {points:+.2f} points ({low:+.2f} to {high:+.2f}; one-sided bound {bound:+.2f}). {_p_values(pair)}"
        )
        if (pair["first"], pair["second"]) == ("default", "reference"):
            verdict = "is not inferior" if is_not_inferior(pair, recipes["margin"]) else "may be inferior"
            text += f" By a margin of {100 * recipes['margin']:g} points, `default` {verdict}."
        lines.append(text)
    intro = (
        f"Article by article, out of fold ({recipes['pairs'][0]['rows']:,} articles; errors and differences are means "
        "over the seeds; `python scripts/compare_recipes.py`):"
    )
    return "\n".join([intro, "", *lines])


def speed_sentences(peers: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    """Return how long the default recipe takes beside the stock one, and what a step costs at equal work.

    Args:
        peers: The record of `benchmarks/peers.py`.
        step: The record of `benchmarks/training_step.py`.
    """
    ours, stock = peers["contenders"][DEFAULT_PEER], peers["contenders"][STOCK_PEER]
    ratios = [slow["seconds"] / fast["seconds"] for slow, fast in zip(stock["runs"], ours["runs"], strict=True)]
    variant = step["lengths"][STEP_TOKENS]["variants"][OUR_STEP]
    faster, share = variant["times_as_fast_as_stock"], variant["share_of_bf16_peak"]
    return (
        f"From the start of the process to the model on disk, in turns on one machine ({peers['rounds']} rounds; "
        f"median, least to most): `default` {_spread(ours['seconds'])} s, the stock Trainer recipe (128 tokens, 3 "
        f"epochs, fp32, padded) {_spread(stock['seconds'])} s, {statistics.median(ratios):.1f} times as long "
        f"({min(ratios):.1f} to {max(ratios):.1f}). Other peers beside them: "
        "[results/peers.md](results/peers.md). A step that trains everything, at equal work "
        f"({step['batch']} rows of {STEP_TOKENS} tokens), is "
        f"{faster['median']:.1f} times as fast as the stock Trainer's in fp32 ({faster['min']:.1f} to "
        f"{faster['max']:.1f}) and reaches {share['median']:.0%} of what a bf16 matrix product reaches on the same "
        "machine. How to measure it on yours: [benchmarks/README.md](benchmarks/README.md)."
    )


def _spread(seconds: Mapping[str, float]) -> str:
    return f"{seconds['median']:.0f} ({seconds['min']:.0f} to {seconds['max']:.0f})"


def _p_values(pair: Mapping[str, Any]) -> str:
    """Return the tests' p-values, one a seed, and whether they all call the difference significant."""
    values = [each["p_value"] for each in pair["mcnemar"]]
    significant = max(values) < SIGNIFICANCE
    numbers = ", ".join("<0.001" if value < 0.001 else f"{value:.3f}" for value in values)
    return f"Exact McNemar p = {numbers}: {'significant' if significant else 'these folds do not tell them apart'}."


def _setting(run: Mapping[str, Any]) -> str:
    hardware, versions = run["provenance"]["hardware"], run["provenance"]["versions"]
    seconds, gibibytes = run["seconds"]["total"], run["peak_memory_mib"]["resident"] / 1024
    return (
        "95 % intervals in brackets (Wilson for accuracy, bootstrap for F1); of several seeds least to most. The run "
        f"on the fixed split took {seconds:.0f} s from start to end and at most {gibibytes:.1f} GiB on "
        f"{hardware['cores']} cores ({hardware['processor']}, {run['training']['precision']}), with transformers "
        f"{versions['transformers']} and torch {versions['torch']}. Records: `results/`; the commands that write them: "
        "`bbc-classifier train`, and of `scripts/` `cross_validate.py`, `cross_validate_accurate.py`, "
        "`cross_validate_reference.py` and `cross_validate_tfidf.py`."
    )


def _audit_sentence(audit: Mapping[str, Any]) -> str:
    cases = [
        f"{case['seconds']['all'] / 60:.1f} minutes and {case['peak_memory_mib']['after'] / 1024:.1f} GiB ({name})"
        for name, case in audit["cases"].items()
    ]
    planted = [case[kind] for case in audit["cases"].values() for kind in ("exact", "near") if case[kind]]
    found, all_planted = (sum(copies[count] for copies in planted) for count in ("found", "planted"))
    processor = audit["provenance"]["hardware"]["processor"]
    return (
        f"An audit of synthetic articles of about 300 words, without counting tokens, took {'; '.join(cases)}, on one "
        f"core ({processor}); {found:,} of {all_planted:,} planted copies were found. Record: "
        "`results/audit_scale.json`; `python benchmarks/audit_scale.py` writes it."
    )


def _row(name: str, report: Mapping[str, Any]) -> str:
    metrics, intervals = report["metrics"], report["intervals"]
    cells = [name, str(report["n"])]
    for key in ("accuracy", "macro_f1"):
        cells.append(f"{metrics[key]:.3f} ({intervals[key][0]:.3f} to {intervals[key][1]:.3f})")
    for key in ("log_loss", "expected_calibration_error"):
        cells.append(f"{metrics[key]:.3f}" if key in metrics else "")
    return f"| {' | '.join(cells)} |"


def _row_of_seeds(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the row of several seeds: each figure's mean, least to most."""
    reports = [record["out_of_fold"] for record in records]
    cells = [name, str(reports[0]["n"])]
    for key in ("accuracy", "macro_f1", "log_loss", "expected_calibration_error"):
        values = [report["metrics"][key] for report in reports]
        cells.append(f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    return f"| {' | '.join(cells)} |"
