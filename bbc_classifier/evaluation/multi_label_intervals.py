"""Bootstrap intervals of what is averaged over labels, whose cells are not independent within a row."""

from collections.abc import Iterator

import numpy as np

from bbc_classifier.evaluation.intervals import LEVEL, RESAMPLES
from bbc_classifier.evaluation.multi_label_metrics import LabelCounts, averaged_label_scores, cell_kinds

# Most rows drawn at once, 8 bytes each.
DRAWS_AT_ONCE = 4_000_000


def bootstrap_label_intervals(
    targets: np.ndarray, given: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, list[float]]:
    """Return percentile intervals of hamming loss and of the averaged scores (B. Efron, 1979).

    Whole rows are resampled, since a row's labels hang together. Rows with the same truth and the same answer cannot be
    told apart, so each distinct row is counted once, and the order of the rows changes nothing. The draws are made
    piece by piece, so that memory stays bounded.

    Args:
        targets: (rows, labels) of 0/1.
        given: (rows, labels) of 0/1.
        level: Nominal coverage.
        resamples: Number of draws.
        seed: Seed of the draws.
    """
    truth, answer, times = _distinct_rows(targets, given)
    kinds = [cells.astype(float) for cells in cell_kinds(truth, answer)]
    pieces = [
        averaged_label_scores(LabelCounts(*(draws @ cells for cells in kinds)))
        for draws in _resamples(times, resamples, seed)
    ]
    tails = [(1 - level) / 2, (1 + level) / 2]
    return {
        name: [float(edge) for edge in np.quantile(np.concatenate([piece[name] for piece in pieces]), tails)]
        for name in pieces[0]
    }


def _distinct_rows(targets: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct pairs of truth and answer, (distinct, labels) bool each, and how many rows have each."""
    both = np.concatenate([np.asarray(targets, dtype=bool), np.asarray(given, dtype=bool)], axis=1)
    packed, times = np.unique(np.packbits(both, axis=1), axis=0, return_counts=True)
    rows = np.unpackbits(packed, axis=1, count=both.shape[1]).astype(bool)
    return rows[:, : targets.shape[1]], rows[:, targets.shape[1] :], times


def _resamples(times: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each distinct row is in each resample, (some resamples, distinct) float64."""
    generator = np.random.default_rng(seed)
    # Drawing rows and counting them is faster than a multinomial draw where most rows are distinct.
    kind_of_row = np.repeat(np.arange(len(times)), times)
    size = max(1, DRAWS_AT_ONCE // len(kind_of_row))
    for start in range(0, resamples, size):
        count = min(size, resamples - start)
        drawn = kind_of_row[generator.integers(0, len(kind_of_row), (count, len(kind_of_row)))]
        drawn += len(times) * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * len(times)).reshape(count, -1).astype(float)
