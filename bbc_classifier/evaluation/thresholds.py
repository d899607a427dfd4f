"""From which probability on a label is given: the value that would have served it best on rows held out."""

import numpy as np

from bbc_classifier.evaluation.metrics import ratio

NEUTRAL = 0.5


def choose_thresholds(targets: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Return one threshold in (0, 1) per label, the one that maximises the label's F1.

    Each label has a threshold of its own, since rare labels are seldom probable (Z. C. Lipton et al., "Optimal
    Thresholding of Classifiers to Maximize F1 Measure", ECML PKDD 2014). Of thresholds that serve equally well it is
    the one closest to 0.5, and 0.5 where no row has the label.

    Args:
        targets: (rows, labels) of 0/1, of rows that the weights were not fitted on.
        probabilities: (rows, labels).
    """
    there = np.asarray(targets, dtype=bool)
    return [_choose(there[:, label], probabilities[:, label]) for label in range(there.shape[1])]


def _choose(there: np.ndarray, probabilities: np.ndarray) -> float:
    if not there.any():
        return NEUTRAL
    candidates = _candidates(probabilities)
    given = len(there) - np.searchsorted(np.sort(probabilities), candidates)
    hits = there.sum() - np.searchsorted(np.sort(probabilities[there]), candidates)
    f1 = ratio(2.0 * hits, given + there.sum())
    best = candidates[f1 == f1.max()]
    return float(best[np.abs(best - NEUTRAL).argmin()])


def _candidates(probabilities: np.ndarray) -> np.ndarray:
    """Return 0.5 and the midpoints between neighbouring probabilities, ascending.

    Midpoints, not the probabilities themselves: rounding in another batch then turns no decision over. The first lies
    below every row, since for a label that most rows have it can be best to give it always.
    """
    edges = np.concatenate([[0.0], np.unique(probabilities)])
    candidates = np.unique(np.concatenate([(edges[1:] + edges[:-1]) / 2, [NEUTRAL]]))
    return candidates[(candidates > 0) & (candidates < 1)]
