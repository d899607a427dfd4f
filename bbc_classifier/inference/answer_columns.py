"""Answers as the columns of a table."""

from collections.abc import Sequence

import pyarrow as pa

from bbc_classifier.errors import InputError
from bbc_classifier.inference.classifier import Prediction, TextClassifier


def answer_columns(classifier: TextClassifier, answers: Sequence[Prediction]) -> dict[str, pa.Array]:
    """Return `prediction`, `confidence` and `p_<label>` for each label, a value for each answer.

    The prediction of a multi-label classifier is a list of labels. Of labels that an answer does not name, the
    probability is null.
    """
    given = pa.list_(pa.string()) if classifier.multi_label else pa.string()
    predictions = [answer.labels if classifier.multi_label else answer.label for answer in answers]
    return {
        "prediction": pa.array(predictions, given),
        "confidence": pa.array([answer.confidence for answer in answers], pa.float64()),
        **{
            f"p_{label}": pa.array([answer.probabilities.get(label) for answer in answers], pa.float64())
            for label in classifier.label_names
        },
    }


def answer_names(label_names: Sequence[str]) -> list[str]:
    """Return the names of these columns."""
    return ["prediction", "confidence", *(f"p_{label}" for label in label_names)]


def refuse_taken_names(place: str, names: Sequence[str], added: Sequence[str]) -> None:
    """Check that a table has no column of a name that is to be added.

    Raises:
        InputError: It has.
    """
    taken = [name for name in added if name in names]
    if taken:
        raise InputError(f"--input: {place} has a column '{taken[0]}' already, which would be written; rename it")
