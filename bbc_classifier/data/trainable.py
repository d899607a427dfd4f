"""Whether a classifier can be trained on a split and fairly tested with it."""

from collections.abc import Mapping

from bbc_classifier.data.split import Split
from bbc_classifier.errors import InputError


def check_trainable(split: Split, labels_of: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a split without training rows, with one label, or with a label that only the other sides have.

    Args:
        split: The row ids of each side.
        labels_of: The label names of each row id.

    Raises:
        InputError: It is such a split; the message names the row or the label.
    """
    names = {name for row in labels_of.values() for name in row}
    if len(names) < 2:
        only = f"the only label is '{min(names)}'" if names else "no row has a label"
        raise InputError(f"{only}; a classifier needs at least two")
    if not split.train:
        raise InputError("there is no row to train on: give --train_file, or a data set with a train split")
    known = {name for row_id in split.train for name in labels_of[row_id]}
    for side, row_ids in (("validation", split.validation), ("test", split.test)):
        for row_id in row_ids:
            unknown = [name for name in labels_of[row_id] if name not in known]
            if unknown:
                raise InputError(
                    f"row '{row_id}' of {side} has the label '{unknown[0]}', which no row of train has; "
                    f"train has {', '.join(sorted(known))}"
                )
