"""Exact and near duplicates, and leakage between splits."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from datasketch import MinHash, MinHashLSH
from scipy.cluster.hierarchy import DisjointSet
from tqdm.auto import tqdm

# Least Jaccard similarity of near duplicates.
THRESHOLD = 0.8
SHINGLE_WORDS = 5
# A pair of Jaccard similarity J agrees in all r rows of a band with probability J^r, and in none of b bands with
# probability (1 - J^r)^b. With r = 4, 22 bands miss a pair at J = 0.8 once in 100,000: (1 - 0.8^4)^22 = 9.2e-6.
BANDS, ROWS_PER_BAND = 22, 4
# Near duplicates listed per text: enough to keep a group of form letters together, without its millions of pairs.
MAX_PARTNERS = 50

# Scripts without spaces between words, by the first word of their characters' Unicode names.
UNSPACED_SCRIPTS = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
# Names such as C++, C# and F#, and two emoticons. Not every "+" or ":-)", which would change keys of BBC articles.
SYMBOL_WORDS = re.compile(r"((?<!\w)\w(?:\+\+|#)(?!\w)|:[()])")
# Soft hyphens, joiners (category Cf), apostrophes, variation selectors and skin tones are inside a word or emoji.
DROPPED = re.compile("['’\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
# Symbols that decorate: copyright signs, degree sign, box drawing, blocks and geometric shapes used as bullets.
DECORATION = re.compile("[©®°\u2500-\u25ff]")


class _WordCharacters(dict[int, str | None]):
    """Translation table filled on demand: letters, marks and digits stay, meaningful symbols become words."""

    def __missing__(self, code: int) -> str | None:
        character, category = chr(code), unicodedata.category(chr(code))
        self[code] = " "
        if category == "Cf" or DROPPED.match(character):
            self[code] = None
        elif category[0] in "LMN":
            unspaced = category[0] == "L" and unicodedata.name(character, "").split(" ")[0] in UNSPACED_SCRIPTS
            self[code] = f" {character}" if unspaced else character
        elif category in ("So", "Sm") and code > 127 and not DECORATION.match(character):
            self[code] = f" {character} "
        return self[code]


_TABLE = _WordCharacters()


def words(text: str) -> list[str]:
    """Return the words of a text, NFKC and case-folded: runs of letters, marks and digits; symbols; names such as "c#".

    Each letter of a script without spaces between words is a word. A text without any word is cut at its spaces.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    pieces = SYMBOL_WORDS.split(folded)
    # Every second piece is what the expression matched.
    pieces[::2] = [piece.translate(_TABLE) for piece in pieces[::2]]
    return " ".join(pieces).split() or folded.split()


def text_hash(text: str) -> str:
    """Return 16 hex digits of a SHA-256, equal for texts that differ in case, punctuation and spaces only.

    Currency signs and ASCII punctuation do not count; emoji, mathematical symbols and names such as C++ do.
    """
    return hashlib.sha256("".join(words(text)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Duplicates:
    """Which rows have the same text, and which nearly the same."""

    hashes: list[str]  # `text_hash` of each row, which exact duplicates share
    near: list[tuple[str, str, float]] = field(default_factory=list)  # hash, hash, Jaccard similarity

    def groups(self) -> list[str]:
        """Return one group key per row: rows linked by exact or near duplicates share it.

        The key is the smallest hash of the group, so it does not depend on the order of rows.
        """
        sets = DisjointSet(self.hashes)
        for one, other, _ in self.near:
            sets.merge(one, other)
        smallest = {name: min(members) for members in sets.subsets() for name in members}
        return [smallest[name] for name in self.hashes]


def find_duplicates(texts: Sequence[str], *, near: bool = True) -> Duplicates:
    """Return the exact duplicates among texts and, unless `near` is False, the near duplicates."""
    hashes = [text_hash(text) for text in texts]
    first_text = dict(zip(reversed(hashes), reversed(texts), strict=True))
    distinct = list(dict.fromkeys(hashes))
    pairs = near_duplicate_pairs([first_text[name] for name in distinct]) if near else []
    return Duplicates(hashes, [(distinct[one], distinct[two], similarity) for one, two, similarity in pairs])


def leaked_rows(duplicates: Duplicates, splits: Sequence[str | None], split: str, others: Collection[str]) -> list[int]:
    """Return the rows of `split` that have an exact or near duplicate in one of the splits `others`.

    `duplicates` are those among all rows, and `splits` (rows,) is the split of each row, or None.
    """
    seen = {name for name, other in zip(duplicates.hashes, splits, strict=True) if other in others}
    near_seen = {one for one, other, _ in duplicates.near if other in seen}
    near_seen |= {other for one, other, _ in duplicates.near if one in seen}
    own = (row for row, name in enumerate(splits) if name == split)
    return [row for row in own if duplicates.hashes[row] in seen or duplicates.hashes[row] in near_seen]


def near_duplicate_pairs(texts: Sequence[str]) -> list[tuple[int, int, float]]:
    """Return (first row, second row, Jaccard similarity) of texts whose sets of 5-word shingles are nearly the same.

    A shingle is five consecutive words; a text of fewer words has one shingle of all. Candidates come from MinHash and
    locality-sensitive hashing (Broder 1997; Indyk and Motwani 1998; Leskovec, Rajaraman and Ullman, "Mining of Massive
    Datasets", chapter 3). Their similarity is then computed exactly: no pair below the threshold is returned, and one
    at it is missed with probability below 1e-5. Pairs are in ascending order and do not depend on the order of texts,
    except that a text with more than `MAX_PARTNERS` near duplicates is paired with the first ones.
    """
    index = MinHashLSH(num_perm=BANDS * ROWS_PER_BAND, params=(BANDS, ROWS_PER_BAND))
    empty = MinHash(num_perm=BANDS * ROWS_PER_BAND, seed=1, hashfunc=int)
    shingles: list[np.ndarray] = []
    pairs = []
    for row, text in enumerate(tqdm(texts, "near duplicates", disable=len(texts) < 10_000, leave=False)):
        of_text = words(text)
        starts = range(max(1, len(of_text) - SHINGLE_WORDS + 1))
        distinct = {" ".join(of_text[start : start + SHINGLE_WORDS]) for start in starts}
        digests = (hashlib.blake2b(each.encode("utf-8", "surrogatepass"), digest_size=8) for each in distinct)
        hashes = b"".join(digest.digest() for digest in digests)
        shingles.append(np.sort(np.frombuffer(hashes, dtype="<u8")))
        sketch = empty.copy()
        # MinHash takes 32 bits; the upper ones are as good a hash as all 64.
        sketch.update_batch((shingles[row] >> np.uint64(32)).tolist())
        partners = []
        for earlier in sorted(index.query(sketch)):
            common = len(np.intersect1d(shingles[earlier], shingles[row], assume_unique=True))
            similarity = common / (len(shingles[earlier]) + len(shingles[row]) - common)
            if similarity >= THRESHOLD:
                partners.append((earlier, row, similarity))
        pairs += partners[:MAX_PARTNERS]
        if len(partners) < MAX_PARTNERS:
            index.insert(row, sketch, check_duplication=False)
    return sorted(pairs)
