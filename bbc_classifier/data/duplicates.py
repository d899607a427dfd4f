"""Duplicates: one text, or nearly one text, under two row ids, which a random split would put on both sides."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bbc_classifier.data.folding import fold
from bbc_classifier.data.near_duplicates import near_duplicate_pairs


@dataclass(frozen=True)
class NearDuplicates:
    """Two distinct texts that share most of their word sequences.

    Attributes:
        first: Key of one text.
        second: Key of the other.
        jaccard: Jaccard similarity of their shingle sets, in [0, 1].
    """

    first: str
    second: str
    jaccard: float


@dataclass(frozen=True)
class Duplicates:
    """Which rows hold the same text, and which nearly the same.

    Attributes:
        keys: One key per row; two rows share it exactly when their folded texts are equal.
        near: The pairs of keys whose texts are near duplicates.
    """

    keys: list[str]
    near: list[NearDuplicates] = field(default_factory=list)

    def groups(self) -> list[str]:
        """Return one group key per row: exact and near duplicates, and whatever they link, share the group.

        The key of a group is the smallest of its rows' keys, so that it does not depend on the rows' order.
        """
        names = sorted(set(self.keys))
        number = {key: index for index, key in enumerate(names)}
        edges = [(number[pair.first], number[pair.second]) for pair in self.near]
        rows, columns = zip(*edges, strict=True) if edges else ((), ())
        graph = coo_array(([True] * len(edges), (rows, columns)), shape=(len(names), len(names)))
        _, component = connected_components(graph, directed=False)
        smallest: dict[int, str] = {}
        for key, index in zip(names, component, strict=True):
            smallest.setdefault(index, key)
        return [smallest[component[number[key]]] for key in self.keys]

    def partners(self) -> dict[str, set[str]]:
        """Return the near duplicates of each key that has any."""
        partners: dict[str, set[str]] = defaultdict(set)
        for pair in self.near:
            partners[pair.first].add(pair.second)
            partners[pair.second].add(pair.first)
        return dict(partners)


def text_key(text: str) -> str:
    """Return a key that is equal for two texts exactly when their folded forms are (SHA-256, 16 hex digits)."""
    return hashlib.sha256(fold(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def find_duplicates(texts: Iterable[str], *, near: bool = True) -> Duplicates:
    """Find the rows that hold the same text and, unless `near` is off, nearly the same.

    Args:
        texts: One text per row; read once, in order.
        near: Whether to look for near duplicates too; `near_duplicate_pairs` says what they are.
    """
    keys: list[str] = []
    first: dict[str, str] = {}
    for text in texts:
        keys.append(text_key(text))
        if near:
            first.setdefault(keys[-1], text)
    distinct: Sequence[str] = list(first)
    pairs = near_duplicate_pairs(list(first.values())) if near else []
    return Duplicates(keys, [NearDuplicates(distinct[one], distinct[two], jaccard) for one, two, jaccard in pairs])
