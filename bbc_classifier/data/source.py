"""The interface every source of labelled articles meets, and the choice of one by name."""

from typing import Any, Protocol

from datasets import Dataset

from bbc_classifier.errors import InputError


class Source(Protocol):
    """Where labelled articles come from.

    A source reads; it never drops or chooses a row. Its table has the columns `row_id` (string, unique and the same
    on every machine), `text` (string) and `label` (`ClassLabel`, which carries the label names).
    """

    name: str

    def read(self) -> Dataset:
        """Return every article the source holds, in an order that does not depend on the machine."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Return what a record should say of the source: name, package or revision, terms."""
        ...


def open_source(name: str) -> Source:
    """Return the source called `name`.

    Raises:
        InputError: No source has that name.
    """
    from bbc_classifier.data.bbc_news import BbcNews

    sources: dict[str, type[Source]] = {BbcNews.name: BbcNews}
    if name not in sources:
        raise InputError(f"--dataset: unknown data set '{name}'; known: {', '.join(sorted(sources))}")
    return sources[name]()
