"""What the record of a finished cell must hold for a report to be made of it, and what beside the records."""

from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.shapes import COUNT, FLAG, NAME, NUMBER, OPTION, POSITIVE, TEXT, WHOLE, Shape, refuse_other_shape

HISTORY = [{"epoch": NUMBER, str: NUMBER}]
REASONS = {str: TEXT}
OF_ANY_CELL: dict[Any, Shape] = {
    "options": {
        str: {str: OPTION},
        "data": {
            **{"fold": (None, COUNT), "folds": (None, POSITIVE), "max_train_samples": (None, POSITIVE)},
            str: OPTION,
        },
    },
    "data": {
        str: OPTION,
        "name": TEXT,
        "split_fingerprint": TEXT,
        "sides": {"train": {str: COUNT}},
        "leaks?": (None, {str: COUNT}),
    },
    "evaluation": {"test": {"confusion_matrix": {"labels": [TEXT]}}},
    "seconds": {"train": NUMBER},
    "provenance": {
        "versions": {str: TEXT},
        "commit": (None, TEXT),
        "hardware": {"processor": TEXT, "cores": (None, COUNT), "gpu?": (None, TEXT)},
    },
}
OF_A_TRAINING: dict[Any, Shape] = {
    **OF_ANY_CELL,
    "encoder": {"name": NAME},
    "model": {"parameters": COUNT, "weights_bytes?": (None, COUNT)},
    "training?": {"shares_reading?": FLAG},
    "evaluation": {"test": {"confusion_matrix": {"labels": [TEXT]}, "seconds": NUMBER, "n": POSITIVE}},
    "options": {
        **OF_ANY_CELL["options"],
        "model": {"pooling": NAME, str: OPTION},
        "training": {"seed?": WHOLE, str: OPTION},
    },
}
OF_A_BASELINE = {**OF_ANY_CELL, "baseline": NAME}


def refuse_other_record(place: str, record: Any) -> None:
    """Check that a record is one that `compare` or `train` wrote of rows with one label each.

    Raises:
        InputError: It is not; the message names what is not as it should be.
    """
    is_baseline = isinstance(record, dict) and record.get("baseline") is not None
    refuse_other_shape(place, record, OF_A_BASELINE if is_baseline else OF_A_TRAINING)
    labels = record["evaluation"]["test"]["confusion_matrix"]["labels"]
    if len(set(labels)) < len(labels):
        raise InputError(f"{place} is damaged: two labels of evaluation.test have one name")
