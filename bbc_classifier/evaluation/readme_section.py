"""The figures in the README, written from committed records, so that none is typed by hand."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bbc_classifier.records import read_json, write_text

BEGIN, END = "<!-- figures: written by scripts/readme_figures.py -->", "<!-- /figures -->"


def write_readme_section(readme: Path, *records: Path) -> None:
    """Replace what stands between the two markers of the README.

    Args:
        readme: The file with the markers.
        records: The files of what `readme_section` takes, in its order.

    Raises:
        ValueError: A marker is missing, or two records are of different folds.
    """
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} lacks the marker {BEGIN if not begin else END}")
    write_text(readme, f"{before}{BEGIN}\n\n{readme_section(*map(read_json, records))}\n{END}{after}")


def readme_section(
    run: Mapping[str, Any],
    folds: Mapping[str, Any],
    reference: Mapping[str, Any],
    baseline: Mapping[str, Any],
    audit: Mapping[str, Any],
) -> str:
    """Return the table of the default recipe and what it is held against, and what large audits take.

    Args:
        run: `record.json` of the default run.
        folds: The record of `cross_validate` with the default recipe.
        reference: The same with the reference recipe.
        baseline: The record of `cross_validate_tfidf`.
        audit: The record of `benchmarks/audit_scale.py`.

    Raises:
        ValueError: Two records are of different folds.
    """
    if not _fingerprints(folds) == _fingerprints(baseline) == _fingerprints(reference):
        raise ValueError("the records of the recipes and of the baseline are of different folds")
    split_report, fold_report = run["evaluation"]["test"], folds["out_of_fold"]
    rows = [
        "| BBC News | n | accuracy | macro F1 | log loss | calibration error |",
        "|---|---|---|---|---|---|",
        _row("default recipe, fixed split, test, seed 42", split_report),
        _row(f"default recipe, {len(folds['folds'])} folds, every article predicted out of fold", fold_report),
        _row("reference recipe, one seed, the same folds", reference["out_of_fold"]),
        _row("TF-IDF and a linear SVM, the same folds", baseline["out_of_fold"]),
    ]
    hardware, versions = run["provenance"]["hardware"], run["provenance"]["versions"]
    seconds, gibibytes = run["seconds"]["total"], run["peak_memory_mib"]["resident"] / 1024
    setting = (
        "95 % intervals in brackets (Wilson for accuracy, bootstrap for F1). The run on the fixed split took "
        f"{seconds:.0f} s from start to end and at most {gibibytes:.1f} GiB on {hardware['cores']} cores "
        f"({hardware['processor']}, {run['training']['precision']}), with transformers {versions['transformers']} and "
        f"torch {versions['torch']}. Records: `results/`; the commands that write them: `bbc-classifier train`, "
        "`python scripts/cross_validate.py`, `python scripts/cross_validate_reference.py`, "
        "`python scripts/cross_validate_tfidf.py`."
    )
    ours, theirs = (_median_seconds(record) for record in (folds, reference))
    speed = (
        f"Training took {ours:.0f} s a fold with the default recipe and {theirs:.0f} s with the reference (medians, "
        "one after the other on one machine)."
    )
    verdict = _verdict(fold_report["intervals"]["accuracy"], baseline["out_of_fold"]["intervals"]["accuracy"])
    return "\n".join([*rows, "", setting, speed, verdict, "", _audit_sentence(audit), ""])


def _median_seconds(record: Mapping[str, Any]) -> float:
    return statistics.median(fold["train_seconds"] for fold in record["folds"])


def _verdict(ours: list[float], baselines: list[float]) -> str:
    """Return what the intervals say of the default recipe and the baseline."""
    if ours[0] > baselines[1]:
        return "The default recipe is more accurate than the baseline on these folds."
    return "The intervals of the default recipe and of TF-IDF overlap: these folds do not tell which is more accurate."


def _fingerprints(record: Mapping[str, Any]) -> list[str]:
    return [fold["split_fingerprint"] for fold in record["folds"]]


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
