"""What stays of a text when case, punctuation and the form of its characters do not count: its words."""

import unicodedata

# Unicode's letters, marks and numbers: without the marks, the vowels of many scripts would be lost.
KEPT_CATEGORIES = "LMN"
# What stands inside a word and is no part of it: "don't" is one word, and so is a word with a soft hyphen or a joiner.
DROPPED_CATEGORY = "Cf"
APOSTROPHES = "'’"
# Scripts that put no space between words, by the first word of their characters' Unicode names.
UNSPACED_SCRIPTS = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}


class _WordCharacters(dict[int, str | None]):
    """A translation table that is filled as characters are met: what is no part of a word becomes a space."""

    def __missing__(self, code: int) -> str | None:
        self[code] = _in_words(chr(code))
        return self[code]


def words(text: str) -> list[str]:
    """Return the words of `text` in compatibility form (NFKC) with case folded away.

    A word is a run of letters, marks and digits. Where a script puts no spaces between words (Chinese, Japanese, Thai,
    ...), every letter, with the marks upon it, is a word of its own. A text of neither, such as one of emoji, is cut
    at its spaces and keeps its characters, or all such texts would be one.

    >>> words("It's 5-nil!")
    ['its', '5', 'nil']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.translate(_TABLE).split() or folded.split()


def fold(text: str) -> str:
    """Return the words of `text` run together: equal for texts that differ in case, punctuation and spaces only.

    >>> fold("It's 5-nil!")
    'its5nil'
    """
    return "".join(words(text))


def _in_words(character: str) -> str | None:
    """Return what stands for a character where only words count; None for nothing at all."""
    category = unicodedata.category(character)
    if category == DROPPED_CATEGORY or character in APOSTROPHES:
        return None
    if category[0] not in KEPT_CATEGORIES:
        return " "
    if category[0] == "L" and unicodedata.name(character, "").split(" ")[0] in UNSPACED_SCRIPTS:
        return f" {character}"
    return character


_TABLE = _WordCharacters()
