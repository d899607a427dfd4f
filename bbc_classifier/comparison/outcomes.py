"""Cells put together: what each configuration answered to every article, once a seed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bbc_classifier.comparison.finished import Finished
from bbc_classifier.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """A configuration's answers to all test articles.

    Attributes:
        name: The configuration.
        train_size: How many training rows it was limited to; None for all.
        seeds: Its seeds; a baseline has the single one None.
        truth: (articles,) class indices.
        given: (seeds, articles) class indices.
        probabilities: (seeds, articles, labels), or None.
        cells: The finished cells, seed by seed and fold by fold.
    """

    name: str
    train_size: int | None
    seeds: list[int | None]
    truth: np.ndarray
    given: np.ndarray
    probabilities: np.ndarray | None
    cells: list[list[Finished]]

    @property
    def right(self) -> np.ndarray:
        """(seeds, articles) booleans."""
        return self.given == self.truth

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline."""
        return self.cells[0][0].baseline is not None


@dataclass(frozen=True)
class Outcomes:
    """All configurations on the same articles.

    Attributes:
        labels: The label names.
        row_ids: The articles, in the order of every `Outcome`.
        folds: How many folds; None on the fixed split.
        outcomes: Configurations by name and training size.
        incomplete: Cells of configurations that lack some folds, and so stand in no table, by name.
    """

    labels: list[str]
    row_ids: list[str]
    folds: int | None
    outcomes: list[Outcome]
    incomplete: dict[str, list[str]] = field(default_factory=dict)

    def of_all_rows(self) -> dict[str, Outcome]:
        """Return the outcomes of configurations trained on all rows, by name."""
        return {outcome.name: outcome for outcome in self.outcomes if outcome.train_size is None}


def put_together(finished: Sequence[Finished]) -> Outcomes:
    """Put cells together.

    Raises:
        InputError: There is none; or two are of different data, of different folds, or the same cell twice with
            different options.
    """
    if not finished:
        raise InputError("there is no finished run to compare")
    first = finished[0]
    for cell in finished:
        if cell.folds != first.folds:
            raise InputError(f"'{cell.folder}' is of {_folds(cell)}, '{first.folder}' of {_folds(first)}")
    _refuse_other_data(finished)
    truth = _truth(finished)
    row_ids = sorted(truth)
    labels = first.labels
    fold_count = first.folds or 1
    outcomes, incomplete = [], {}
    for (name, size), cells in sorted(
        _by_configuration(finished).items(), key=lambda item: (item[0][0], item[0][1] or 0)
    ):
        _refuse_other_recipes(cells)
        by_seed: dict[int | None, list[Finished]] = defaultdict(list)
        for cell in cells:
            by_seed[cell.seed].append(cell)
        whole = {
            seed: sorted(them, key=lambda c: c.fold or 0) for seed, them in by_seed.items() if len(them) == fold_count
        }
        lacking = [str(seed) for seed in by_seed if seed not in whole]
        if lacking:
            incomplete[name if size is None else f"{name}, {size} rows"] = lacking
        if whole:
            outcomes.append(_outcome(name, size, whole, truth, row_ids, labels))
    if not outcomes:
        raise InputError("no configuration has all its folds yet; finish one of them first")
    return Outcomes(labels, row_ids, first.folds, outcomes, incomplete)


def _by_configuration(finished: Iterable[Finished]) -> dict[tuple[str, int | None], list[Finished]]:
    groups: dict[tuple[str, int | None], list[Finished]] = defaultdict(list)
    for cell in finished:
        groups[cell.name, cell.train_size].append(cell)
    return groups


def _outcome(
    name: str,
    size: int | None,
    whole: dict[int | None, list[Finished]],
    truth: dict[str, str],
    row_ids: list[str],
    labels: list[str],
) -> Outcome:
    index_of = {label: index for index, label in enumerate(labels)}
    place = {row_id: number for number, row_id in enumerate(row_ids)}
    given = np.zeros((len(whole), len(row_ids)), dtype=np.int64)
    probabilities = np.zeros((len(whole), len(row_ids), len(labels)))
    for number, cells in enumerate(whole.values()):
        for cell in cells:
            places = [place[row_id] for row_id in cell.row_ids]
            given[number, places] = [index_of[label] for label in cell.given]
            if cell.probabilities is not None:
                probabilities[number, places] = cell.probabilities
    has_probabilities = all(cell.probabilities is not None for cells in whole.values() for cell in cells)
    return Outcome(
        name=name,
        train_size=size,
        seeds=list(whole),
        truth=np.array([index_of[truth[row_id]] for row_id in row_ids]),
        given=given,
        probabilities=probabilities if has_probabilities else None,
        cells=list(whole.values()),
    )


def _truth(finished: Iterable[Finished]) -> dict[str, str]:
    return {row_id: label for cell in finished for row_id, label in zip(cell.row_ids, cell.truth, strict=True)}


def _refuse_other_data(finished: Iterable[Finished]) -> None:
    """Check that cells of one fold have the same split, and, limited to fewer training rows, the same test side."""
    splits: dict[tuple[int | None, int | None], Finished] = {}
    sides: dict[int | None, Finished] = {}
    for cell in finished:
        same_split = splits.setdefault((cell.fold, cell.train_size), cell)
        same_side = sides.setdefault(cell.fold, cell)
        tested = [dict(zip(one.row_ids, one.truth, strict=True)) for one in (cell, same_side)]
        for other, same in (
            (same_split, cell.fingerprint == same_split.fingerprint),
            (same_side, tested[0] == tested[1]),
        ):
            if not same or cell.labels != other.labels:
                raise InputError(
                    f"'{cell.folder}' and '{other.folder}' are of different data (split fingerprints "
                    f"{cell.fingerprint[:12]} and {other.fingerprint[:12]}); their figures cannot be compared"
                )


def _refuse_other_recipes(cells: Sequence[Finished]) -> None:
    """Check that the cells of one configuration were trained alike, and that none is there twice."""
    seen: dict[tuple[int | None, int | None], Finished] = {}
    for cell in cells:
        first = cells[0]
        different = next((name for name, value in cell.recipe().items() if first.recipe().get(name) != value), None)
        if different:
            raise InputError(
                f"'{cell.folder}' and '{first.folder}' are both {cell.name}, but were trained with another {different}"
            )
        if (cell.seed, cell.fold) in seen:
            other = seen[cell.seed, cell.fold]
            raise InputError(f"'{cell.folder}' and '{other.folder}' are the same cell of {cell.name}; name one of them")
        seen[cell.seed, cell.fold] = cell


def _folds(cell: Finished) -> str:
    return "the fixed split" if cell.folds is None else f"{cell.folds} folds"
