"""What a classifier's own training run says: the data it was trained on, and the texts it has seen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bbc_classifier.data.articles import Articles
from bbc_classifier.data.duplicates import text_key
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.export.layout import RUN_EXPORTS
from bbc_classifier.inference.checkpoint import model_location
from bbc_classifier.records import read_json
from bbc_classifier.shapes import TEXT, Shape, refuse_other_shape, shape_of

# Whoever names one of these means other data, and column names and label maps of the run's own do not apply.
OTHER_DATA = frozenset({"dataset", "train_file", "validation_file", "test_file"})
# Data are the same where these agree.
SAME_DATA = OTHER_DATA | {"dataset_config", "dataset_revision"}


class TrainingRun:
    """The run folder that a classifier lies in, where it does.

    Attributes:
        model: What the classifier was called.
        data: The data options the run was started with, or None.
        fingerprint: That of the split the run was trained beside, or None.
    """

    def __init__(self, model: str):
        """Look for the run of a model.

        Raises:
            InputError: There is one, and its files are damaged.
        """
        self.model = model
        self._folder = run_folder(model)
        options = self._folder / "options.json"
        split = self._folder / "split.json"
        # Another program's options.json has none beside it.
        is_run = Path(model).is_dir() and options.is_file() and split.is_file()
        self.data = DataArguments(**_read(options, {"data": shape_of(DataArguments)})["data"]) if is_run else None
        self.fingerprint = _read(split, {"fingerprint": TEXT})["fingerprint"] if is_run else None

    def data_with(self, given: Mapping[str, Any]) -> DataArguments:
        """Return the data options of the run with the given ones on top; with other data, the given ones alone."""
        if self.data is None or not OTHER_DATA.isdisjoint(given):
            return DataArguments(**given)
        return replace(self.data, **given)

    def was_trained_on(self, data: DataArguments) -> bool:
        """Whether these options name the data of the run, however they are cut."""
        return self.data is not None and all(getattr(self.data, name) == getattr(data, name) for name in SAME_DATA)

    def seen(self, articles: Articles) -> list[str]:
        """Return the row ids of the test side whose text trained the classifier or chose its checkpoint.

        Of the very split that the run was trained beside, nothing counts as seen: what leaks there stands in its
        record, and was left in on purpose.
        """
        if self.data is None or articles.split.fingerprint == self.fingerprint:
            return []
        known = set(_read(self._folder / "seen_texts.json", [TEXT]))
        table = articles.side("test")
        return [
            row_id for row_id, text in zip(table["row_id"][:], table["text"][:], strict=True) if text_key(text) in known
        ]

    def without_seen(self, articles: Articles, seen: list[str], *, remove: bool) -> Articles:
        """Return the articles without those that the classifier has seen.

        Raises:
            InputError: They are not to be removed, or nothing would be left.
        """
        what = f"--model: '{self.model}' was trained on the text of"
        if len(seen) == len(articles.split.test):
            raise InputError(f"{what} every row; there is nothing left to evaluate")
        if not remove:
            raise InputError(
                f"{what} {len(seen)} of {len(articles.split.test)} rows, '{seen[0]}' first; --remove_leaks leaves them "
                "out, and without any data option the rows are evaluated that its run held out"
            )
        return articles.without(seen)


def run_folder(model: str) -> Path:
    """Return where the run of a model is, if it is one's: around its model folder, or around its exports."""
    folder = Path(model_location(model)).resolve().parent
    return folder.parent if folder.name == RUN_EXPORTS else folder


def _read(file: Path, shape: Shape) -> Any:
    """Return what a file of the run holds.

    Raises:
        InputError: It is not there, or damaged.
    """
    if not file.is_file():
        raise InputError(f"--model: '{file}' is missing: it says which texts the classifier has seen")
    content = read_json(file)
    refuse_other_shape(f"'{file}'", content, shape)
    return content
