"""A baseline as a cell of the grid: the same rows and folds, and a folder that reads like a run's."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bbc_classifier.comparison.finished import cell_name
from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.baselines import BASELINES, baseline_answers, report_baseline
from bbc_classifier.folders import folder_written_whole
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json

SCHEMA = 1


@dataclass(frozen=True)
class BaselineCell:
    """A baseline on one fold and training size."""

    baseline: str
    fold: int | None = None
    train_size: int | None = None

    @property
    def configuration(self) -> str:
        """The name of what is compared."""
        return self.baseline

    @property
    def name(self) -> str:
        """The name of the cell's folder."""
        return cell_name(self.baseline, self.fold, self.train_size)


def baseline_cells(folds: int | None, sizes: list[int | None]) -> list[BaselineCell]:
    """Return every baseline on every fold and size."""
    each_fold = [None] if folds is None else range(folds)
    return [BaselineCell(name, fold, size) for fold in each_fold for size in reversed(sizes) for name in BASELINES]


def run_baseline(cell: BaselineCell, data: DataArguments, folder: Path) -> None:
    """Fit a baseline, and write its record and predictions.

    It is fitted on validation too, unless the number of training rows is limited.

    Raises:
        InputError: The rows can have any number of labels.
    """
    origin = provenance()
    articles = load_articles(data)
    if articles.multi_label:
        raise InputError("a comparison is of classifiers that give one label; these rows have any number")
    started = time.perf_counter()
    given, probabilities = baseline_answers(cell.baseline, articles, validation_too=cell.train_size is None)
    seconds = time.perf_counter() - started
    with folder_written_whole(folder) as beside:
        report = report_baseline(articles, given, probabilities, beside)
        write_json(
            beside / "record.json",
            {
                "schema": SCHEMA,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "baseline": cell.baseline,
                "options": {"data": without_folders(asdict(data))},
                "data": {**articles.provenance, **articles.counts(), "split_fingerprint": articles.split.fingerprint},
                "evaluation": {"test": report},
                "seconds": {"train": round(seconds, 2)},
                "provenance": origin,
            },
        )
