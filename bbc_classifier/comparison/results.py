"""Everything a comparison says, as plain data: what the report is made from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bbc_classifier.comparison.configurations import describe
from bbc_classifier.comparison.effects import encoder_effects, pooling_effects
from bbc_classifier.comparison.finished import Finished
from bbc_classifier.comparison.outcomes import Outcome, Outcomes, put_together
from bbc_classifier.comparison.pairs import SIGNIFICANCE, compare_pairs, rank, rank_groups

SCHEMA = 1
# How many of the articles that most configurations get wrong are listed.
HARDEST = 50
# The baseline that an encoder has to beat is the better of these.
WORDS_ALONE = ("tfidf-svm", "tfidf-logistic")


def results(
    finished: Sequence[Finished], failed: Mapping[str, str], not_applicable: Mapping[str, str]
) -> dict[str, Any]:
    """Put finished cells together and say everything about them.

    Args:
        finished: The cells, baselines among them.
        failed: The reason by the name of each cell that failed.
        not_applicable: Why a pair of encoder and pooling cannot be, by its name.

    Raises:
        InputError: The cells are not of the same data and folds, or no configuration is whole.
    """
    outcomes = put_together(finished)
    whole = outcomes.of_all_rows()
    right = {name: outcome.right for name, outcome in whole.items()}
    pairs = compare_pairs(right)
    letters = rank_groups(right, pairs)
    described = {name: describe(whole[name], outcomes.labels) for name in rank(right)}
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": _protocol(outcomes),
        "labels": outcomes.labels,
        "significance": SIGNIFICANCE,
        "verdict": verdict(whole, pairs),
        "configurations": [{**content, "letters": letters[name]} for name, content in described.items()],
        "pairs": pairs,
        "pooling_effects": pooling_effects(whole),
        "encoder_effects": encoder_effects(whole),
        "learning_curves": _learning_curves(outcomes),
        "hardest": _hardest(outcomes),
        "classes": _classes(described),
        "data": _data(finished),
        "incomplete": outcomes.incomplete,
        "failed": dict(failed),
        "not_applicable": dict(not_applicable),
    }


def verdict(outcomes: Mapping[str, Outcome], pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether any encoder is significantly better than words alone, and which.

    Returns:
        `baseline`, the better TF-IDF baseline or None; `better`, the configurations that the adjusted tests find better
        than it; `worse`, those they find worse.
    """
    there = [name for name in WORDS_ALONE if name in outcomes]
    if not there:
        return {"baseline": None, "better": [], "worse": []}
    baseline = max(there, key=lambda name: outcomes[name].right.mean())
    trained = {name for name, outcome in outcomes.items() if not outcome.is_baseline}
    told_apart = [row for row in pairs if row["different"]]
    return {
        "baseline": baseline,
        "better": [row["first"] for row in told_apart if row["second"] == baseline and row["first"] in trained],
        "worse": [row["second"] for row in told_apart if row["first"] == baseline and row["second"] in trained],
    }


def _protocol(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "folds": outcomes.folds,
        "articles": len(outcomes.row_ids),
        # What stands under every figure that treats articles as independent.
        "dependence": None
        if outcomes.folds is None
        else "Articles of one fold are answered by one model, and models of two folds share most of their training "
        "rows: the tests and intervals treat articles as independent, and say nothing of other training sets.",
    }


def _learning_curves(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Return a row per configuration and training size, where any has more than one size."""
    sized = {outcome.name for outcome in outcomes.outcomes if outcome.train_size is not None}
    rows = []
    for outcome in outcomes.outcomes:
        if outcome.name in sized:
            content = describe(outcome, outcomes.labels)
            trained_on = [sum(cell.record["data"]["sides"]["train"].values()) for cell in outcome.cells[0]]
            rows.append(
                {
                    "name": outcome.name,
                    "train_size": outcome.train_size,
                    "train_rows": float(np.mean(trained_on)),
                    "accuracy": content["mean"]["accuracy"],
                    "interval": content["per_seed"][0]["intervals"]["accuracy"] if len(outcome.seeds) == 1 else None,
                    "spread": content["spread"]["accuracy"],
                }
            )
    return sorted(rows, key=lambda row: (row["name"], row["train_rows"]))


def _hardest(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Return the articles that the largest share of trained configurations and seeds get wrong, the worst first."""
    trained = [outcome for outcome in outcomes.of_all_rows().values() if not outcome.is_baseline]
    if not trained:
        return []
    wrong = np.mean([1 - outcome.right.mean(axis=0) for outcome in trained], axis=0)
    order = sorted(np.flatnonzero(wrong), key=lambda article: (-wrong[article], outcomes.row_ids[article]))
    return [
        {
            "row_id": outcomes.row_ids[article],
            "label": outcomes.labels[trained[0].truth[article]],
            "wrong_share": float(wrong[article]),
            "taken_for": _taken_for(trained, int(article), outcomes.labels),
        }
        for article in order[:HARDEST]
    ]


def _taken_for(trained: Sequence[Outcome], article: int, labels: Sequence[str]) -> str:
    given = Counter(int(answer) for outcome in trained for answer in outcome.given[:, article])
    given.pop(int(trained[0].truth[article]), None)
    return labels[min(given, key=lambda label: (-given[label], label))]


def _classes(described: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each class with its mean F1 over the trained configurations, the hardest first."""
    tables = [content["per_class"] for content in described.values() if not content["baseline"]]
    if not tables:
        return []
    rows = [
        {
            "label": label,
            "support": tables[0][label]["support"],
            **{
                score: float(np.mean([table[label][score] for table in tables]))
                for score in ("precision", "recall", "f1")
            },
        }
        for label in tables[0]
    ]
    return sorted(rows, key=lambda row: row["f1"])


def _data(finished: Sequence[Finished]) -> dict[str, Any]:
    """Return what the records say of the data, and on what machines and versions the cells ran."""
    first = min(finished, key=lambda cell: (cell.train_size is not None, cell.fold or 0))
    keep = {name: value for name, value in first.record["data"].items() if name not in ("sides", "sizes")}
    machines = {
        (provenance["hardware"]["processor"], provenance["hardware"].get("gpu"), provenance["hardware"]["cores"])
        for provenance in (cell.record["provenance"] for cell in finished)
    }
    return {
        **keep,
        "fingerprints": sorted({cell.fingerprint for cell in finished if cell.train_size is None}),
        "machines": [
            {"processor": processor, "gpu": gpu, "cores": cores} for processor, gpu, cores in sorted(machines, key=str)
        ],
        "versions": first.record["provenance"]["versions"],
        "commits": sorted({str(cell.record["provenance"]["commit"]) for cell in finished}),
    }
