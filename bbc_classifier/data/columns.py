"""Which columns of a table hold the text and the label: those that were named, or those whose names say so."""

from collections.abc import Sequence
from dataclasses import dataclass

from bbc_classifier.errors import InputError

# In the order of preference: a table with a title and a body is about its body.
TEXT_NAMES = (
    *("text", "content", "body", "article", "article_text", "full_text", "story", "document", "news"),
    *("sentence", "message", "description", "headline", "title"),
)
LABEL_NAMES = (
    *("label", "labels", "label_text", "category", "categories", "class", "classes", "topic", "topics"),
    *("target", "section", "genre", "tag", "tags"),
)

# Of a wide table a message names this many columns.
MOST_LISTED = 20


@dataclass(frozen=True)
class Columns:
    """The names of the columns that matter.

    Attributes:
        text: Columns of the text, joined by line breaks in this order.
        label: Column of the label.
    """

    text: list[str]
    label: str


def choose_columns(place: str, names: Sequence[str], text: Sequence[str] | None, label: str | None) -> Columns:
    """Return the columns that were asked for, or those that their names, or being the only one left, tell.

    Args:
        place: The file or data set, for the message.
        names: The columns there are.
        text: The columns asked for, or None.
        label: The column asked for, or None.

    Raises:
        InputError: A column that was asked for is not there, or nothing tells which one it is.
    """
    _refuse_missing(place, names, "--text_column", text or [])
    _refuse_missing(place, names, "--label_column", [label] if label else [])
    label = label or _named(names, LABEL_NAMES, set(text or ()))
    texts = list(text) if text else [name for name in [_named(names, TEXT_NAMES, {label})] if name]
    if label is None and len(texts) == 1 and len(names) == 2:
        label = next(name for name in names if name not in texts)
    if label is not None and not texts and len(names) == 2:
        texts = [name for name in names if name != label]
    if not texts:
        raise InputError(_undecided(place, names, "text", TEXT_NAMES))
    if label is None:
        raise InputError(_undecided(place, names, "label", LABEL_NAMES))
    if label in texts:
        raise InputError(f"{place}: the column '{label}' cannot be both text and label")
    return Columns(texts, label)


def choose_text_columns(place: str, names: Sequence[str], text: Sequence[str] | None) -> list[str]:
    """Return the columns of the text alone, of a table that need not have labels.

    Raises:
        InputError: A column that was asked for is not there, or nothing tells which one it is.
    """
    _refuse_missing(place, names, "--text_column", text or [])
    if text:
        return list(text)
    found = _named(names, TEXT_NAMES, set()) or (names[0] if len(names) == 1 else None)
    if found is None:
        raise InputError(_undecided(place, names, "text", TEXT_NAMES))
    return [found]


def _named(names: Sequence[str], known: Sequence[str], taken: set[str | None]) -> str | None:
    """Return the first column, in the order of `known`, whose name is known, whatever its case."""
    by_name = {name.strip().casefold(): name for name in reversed(names) if name not in taken}
    return next((by_name[name] for name in known if name in by_name), None)


def _refuse_missing(place: str, names: Sequence[str], flag: str, wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            raise InputError(f"{flag}: {place} has no column '{name}'; it has {listed(names)}")


def _undecided(place: str, names: Sequence[str], what: str, known: Sequence[str]) -> str:
    return (
        f"{place}: which column holds the {what}? It has {listed(names)}, and none is called {', '.join(known[:4])} "
        f"or the like; say so with --{what}_column"
    )


def listed(names: Sequence[str]) -> str:
    """Return the first names of a list in quotation marks, and how many more there are."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_LISTED]) + more
