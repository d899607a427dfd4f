"""From the labels of a table to what the figures are computed from, in the classifier's own order of labels."""

from collections.abc import Sequence

import numpy as np

from bbc_classifier.data.columns import listed
from bbc_classifier.errors import InputError


def class_indices(labels: Sequence[int], data_names: Sequence[str], model_names: Sequence[str]) -> np.ndarray:
    """Return the classifier's index of each row's label, (rows,) int64.

    Raises:
        InputError: The classifier does not know a label.
    """
    return label_indices(data_names, model_names)[np.asarray(labels, dtype=np.int64)]


def indicators(labels: Sequence[Sequence[int]], data_names: Sequence[str], model_names: Sequence[str]) -> np.ndarray:
    """Return 1 where a row has a label of the classifier and 0 elsewhere, (rows, labels) float32.

    Raises:
        InputError: The classifier does not know a label.
    """
    column_of = label_indices(data_names, model_names)
    targets = np.zeros((len(labels), len(model_names)), dtype=np.float32)
    for row, indices in enumerate(labels):
        targets[row, column_of[list(indices)]] = 1
    return targets


def label_indices(data_names: Sequence[str], model_names: Sequence[str]) -> np.ndarray:
    """Return, per label index of the data, the classifier's index of the same name.

    Raises:
        InputError: The classifier does not know a label.
    """
    unknown = [name for name in data_names if name not in model_names]
    if unknown:
        raise InputError(
            f"the classifier does not know the label{'s' * (len(unknown) > 1)} {listed(unknown)}; it knows "
            f"{listed(model_names)} (--label_map renames)"
        )
    return np.array([model_names.index(name) for name in data_names])
