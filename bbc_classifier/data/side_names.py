"""Which side a ready-made split or file is meant for, told from its name."""

import re

# "dev" and "eval" choose; only what says "test" may judge. Reading a name as validation by mistake costs rows, reading
# it as test by mistake would make the figures look like something they are not.
SIDE_OF_WORD = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "test": "test",
    "testing": "test",
}
SEPARATORS = re.compile(r"[\W_]+")


def side_of_split(name: str) -> str | None:
    """Return the side a split of this name is for, whatever its case; None for a name that is no side's.

    The whole name counts, so that a part of a side ("train_small") is never taken for the side itself.

    >>> side_of_split("Dev")
    'validation'
    """
    return SIDE_OF_WORD.get(name.casefold())


def side_in_name(stem: str) -> str | None:
    """Return the side that the words of a file's stem name; None if they name no side, or more than one.

    Words end at anything but a letter or digit, so "latest" and "trainers" name no side.

    >>> side_in_name("news-train-00000-of-00002")
    'train'
    """
    words = SEPARATORS.split(stem.casefold())
    sides = {SIDE_OF_WORD[word] for word in words if word in SIDE_OF_WORD}
    return sides.pop() if len(sides) == 1 else None
