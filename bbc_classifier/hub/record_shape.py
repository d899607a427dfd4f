"""What the record of a run must hold for a card to be made of it, and what a comparison's results must."""

from collections.abc import Mapping
from typing import Any

from bbc_classifier.described_files import SETTINGS
from bbc_classifier.errors import InputError
from bbc_classifier.hub.card_metadata import METRICS
from bbc_classifier.hub.card_words import POOLINGS, TRUNCATIONS
from bbc_classifier.shapes import (
    COUNT,
    FLAG,
    HUB_ID,
    INTERVAL,
    NOTHING,
    NUMBER,
    OPTION,
    POSITIVE,
    SHA256,
    TEXT,
    WHOLE,
    WORD,
    Shape,
    one_of,
    refuse_other_shape,
)

PROBLEMS = ("single_label_classification", "multi_label_classification")
SIDE_REPORT: dict[Any, Shape] = {
    "n": POSITIVE,
    "correct": COUNT,
    "metrics": {**{f"{name}?": NUMBER for name in METRICS}, "expected_calibration_error": NUMBER, str: NOTHING},
    "intervals": {str: INTERVAL},
    "interval_method": {"level": NUMBER, "others": TEXT, "calibration_bins": COUNT, str: OPTION},
    "per_class": {str: {"precision": NUMBER, "recall": NUMBER, "f1": NUMBER, "support": COUNT}},
    "confusion_matrix?": (None, {"labels": [TEXT], "counts": [[COUNT]]}),
}
RECORD: dict[Any, Shape] = {
    "problem_type": one_of(PROBLEMS),
    "temperature": NUMBER,
    "encoder": {"name": TEXT, "hub_id?": (None, HUB_ID)},
    "model": {"parameters": COUNT, "weights_sha256": SHA256, "settings_sha256?": SETTINGS, "labels": [TEXT]},
    "options": {
        "model": {"pooling": one_of(POOLINGS), "lexical_head": FLAG, str: OPTION},
        "data": {
            **{"distinct_tokens": FLAG, "near_duplicates": FLAG, "truncation": one_of(TRUNCATIONS)},
            **{"max_length": COUNT, "max_eval_samples?": (None, COUNT), str: OPTION},
        },
        "training": {"seed": WHOLE, "metric_for_best_model": WORD, str: OPTION},
    },
    "data": {
        **dict.fromkeys(("rows", "distinct", "exact_duplicates_dropped", "conflicting_texts"), COUNT),
        **dict.fromkeys(("package?", "package_version?", "revision?", "config?"), (None, TEXT)),
        "name": TEXT,
        "terms?": OPTION,
        "near_duplicate_pairs": (None, COUNT),
        "ready_made_split": FLAG,
        "leaks": {"test": COUNT},
        "sizes": {str: COUNT},
        "truncated_share": {str: NUMBER},
        "split_fingerprint": SHA256,
    },
    "training": {
        **dict.fromkeys(("resumed", "refitted", "shares_reading"), FLAG),
        **dict.fromkeys(("steps", "processes", "best_step"), COUNT),
        **dict.fromkeys(("precision", "device"), TEXT),
        "epochs": (None, NUMBER),
        "best_value": (None, NUMBER),
    },
    "evaluation": {"test": SIDE_REPORT},
    "examples?": [{"text": TEXT, "probabilities": {str: NUMBER}}],
    "seconds": {"total": NUMBER},
    "peak_memory_mib": {"resident": NUMBER, "gpu?": NUMBER},
    "provenance": {
        "versions": {str: TEXT},
        "commit": (None, WORD),
        "hardware": {"processor": TEXT, "cores": COUNT, "torch_threads?": COUNT, "gpu?": TEXT},
    },
}
RESULTS = {
    "configurations": [
        {
            **{"name": TEXT, "baseline": FLAG, "letters": TEXT, "configuration": {str: {str: OPTION}}},
            "mean": {"accuracy": NUMBER, "macro_f1": NUMBER},
            "per_seed": [{"intervals": {"accuracy": INTERVAL}}],
        }
    ],
    "pairs": [
        {"first": TEXT, "second": TEXT, "points": NUMBER, "interval": INTERVAL, "p_holm": NUMBER, "different": FLAG}
    ],
    "verdict": {"baseline": (None, TEXT)},
    "protocol": {"folds": (None, COUNT), "articles": COUNT, "dependence": (None, TEXT)},
}


def refuse_other_record(place: str, record: Any) -> None:
    """Check that a record is one that `train` wrote.

    Raises:
        InputError: It is not; the message names what is not as it should be.
    """
    refuse_other_shape(place, record, RECORD)
    labels, test = record["model"]["labels"], record["evaluation"]["test"]
    figure = "accuracy" if record["problem_type"] == PROBLEMS[0] else "subset_accuracy"
    data, training = record["data"], record["training"]
    for agrees, what in (
        (labels and len(set(labels)) == len(labels), "model.labels"),
        (set(test["per_class"]) == set(labels), "evaluation.test.per_class"),
        (all(figure in test[group] for group in ("metrics", "intervals", "interval_method")), "evaluation.test"),
        (_fits_labels(test.get("confusion_matrix"), labels), "evaluation.test.confusion_matrix"),
        (all(set(row["probabilities"]) == set(labels) for row in record.get("examples", [])), "examples"),
        (set(data["sizes"]) <= set(data["truncated_share"]), "data.truncated_share"),
        (training["epochs"] is not None or not training["steps"], "training.epochs"),
    ):
        if not agrees:
            raise InputError(f"{place} is damaged: {what} does not agree with the rest of it")


def _fits_labels(matrix: Mapping[str, Any] | None, labels: list[str]) -> bool:
    """Whether a confusion matrix has a row and a column for each label; a multi-label run has no matrix."""
    if matrix is None:
        return True
    return matrix["labels"] == labels and [len(row) for row in matrix["counts"]] == [len(labels)] * len(labels)
