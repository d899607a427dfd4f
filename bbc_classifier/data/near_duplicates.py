"""Near duplicates: texts that share most of their word sequences."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from datasketch import MinHash, MinHashLSH
from tqdm.auto import tqdm

from bbc_classifier.data.folding import words

SHINGLE_WORDS = 5
# A pair at Jaccard J agrees in all r rows of a band with probability J^r, and so in none of b bands with probability
# (1 - J^r)^b. With r = 4, 22 bands miss one pair at J = 0.8 in 100,000: (1 - 0.8^4)^22 = 9.2e-6.
ROWS_PER_BAND = 4
MISSED = 1e-5
SEED = 1
# Of a text with more near duplicates than this, such as one of ten thousand that were filled into one form, these many
# are enough to hold the group together; all pairs of such texts would be millions.
MOST_PARTNERS = 50
# Fewer texts are done before a bar is worth reading.
ROWS_WORTH_A_BAR = 10_000

# What a word's hash is multiplied by at each place of a shingle: the fractional parts of the square roots of 2, 3, 5,
# 7 and 11, made odd.
_MULTIPLIERS = np.array(
    [0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1, 0x510E527FADE682D1],
    dtype=np.uint64,
)


class _WordHashes(dict[str, int]):
    """64 bits of each word's BLAKE2b, computed when the word is first met."""

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[word] = int.from_bytes(digest, "little")
        return self[word]


def near_duplicate_pairs(texts: Sequence[str], threshold: float = 0.8) -> list[tuple[int, int, float]]:
    """Return every pair of texts whose sets of 5-word shingles are nearly the same.

    A shingle is five consecutive words; a text with fewer words has one shingle of all of them, and a text without
    words is nobody's near duplicate. Candidates come from MinHash and locality-sensitive hashing (Broder 1997; Indyk
    and Motwani 1998; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3) as the library
    `datasketch` has them. The Jaccard similarity of each candidate is then computed exactly, on 64-bit hashes of the
    shingles: no pair below the threshold is returned; one at the threshold is missed with probability below 1e-5, and
    a more similar one with less. The answer depends on the texts alone: in another order they have the same pairs.

    Where more than `MOST_PARTNERS` texts are near duplicates of one, that is only said of the first ones: a text that
    has so many partners gets no others, and later texts are not compared with it.

    Args:
        texts: One text per row.
        threshold: Least Jaccard similarity of a pair, above 0 and below 1.

    Returns:
        (first row, second row, Jaccard similarity), first < second, in ascending order.
    """
    bands = bands_for(threshold)
    index = MinHashLSH(num_perm=bands * ROWS_PER_BAND, params=(bands, ROWS_PER_BAND))
    empty = MinHash(num_perm=index.h, seed=SEED, hashfunc=int)
    hash_of = _WordHashes()
    shingles: list[np.ndarray] = []
    pairs = []
    for row, text in enumerate(tqdm(texts, "near duplicates", disable=len(texts) < ROWS_WORTH_A_BAR, leave=False)):
        shingles.append(shingle_hashes(np.array([hash_of[word] for word in words(text)], dtype=np.uint64)))
        if not len(shingles[row]):
            continue
        sketch = empty.copy()
        # MinHash takes 32 bits: the upper ones are as good a hash as all 64.
        sketch.update_batch((shingles[row] >> np.uint64(32)).tolist())
        found = 0
        for earlier in sorted(index.query(sketch)):
            similarity = jaccard(shingles[earlier], shingles[row])
            if similarity >= threshold:
                pairs.append((earlier, row, similarity))
                found += 1
                if found == MOST_PARTNERS:
                    break
        else:
            index.insert(row, sketch, check_duplication=False)
    return sorted(pairs)


def bands_for(threshold: float) -> int:
    """Return how many bands miss a pair at `threshold` with probability below `MISSED`: (1 - threshold^r)^b."""
    return max(2, math.ceil(math.log(MISSED) / math.log1p(-(threshold**ROWS_PER_BAND))))


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of common members among all members of two sets, given as sorted arrays."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def shingle_hashes(hashes: np.ndarray) -> np.ndarray:
    """Return the sorted set of the shingles of a text.

    Args:
        hashes: (words,) 64-bit hash of each word, in the text's order.

    Returns:
        (shingles,) 64-bit hash of each distinct shingle: the sum of its words' hashes, each times the multiplier of its
        place, modulo 2^64. That two of n different shingles collide has a probability of about n^2 / 2^65.
    """
    length = min(SHINGLE_WORDS, len(hashes))
    places = len(hashes) - length + 1
    total = np.zeros(places if length else 0, dtype=np.uint64)
    for place in range(length):
        total += hashes[place : place + places] * _MULTIPLIERS[place]
    return np.unique(total)
