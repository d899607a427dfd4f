"""The interface every source of labelled articles meets, and the choice of one."""

from typing import Any, Protocol

from datasets import Dataset

from bbc_classifier.data.bbc_news import BbcNews
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError

# A name with one of these, or with the ending of a format, means a file and never a Hub id.
PATH_MARKS = ("*", "?", "[", "\\", "~")


class Source(Protocol):
    """Where labelled articles come from.

    A source reads; it never drops or chooses a row. Its table has the columns

    - `row_id` (string), unique and the same on every machine;
    - `text` (string), null or blank where the source has none;
    - `label`: a `ClassLabel`, which carries the label names, or a `List` of them where a row can have several; null
      where the source has none;
    - `side` ("train", "validation" or "test"), only where the source has ready-made splits.
    """

    name: str

    def read(self) -> Dataset:
        """Return every article the source holds, in an order that does not depend on the machine."""
        ...

    def identity(self) -> str | None:
        """Return what changes when the rows change, known without reading them; None where nothing tells."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Return what a record should say of the source, once it is read: name, files or revision, terms."""
        ...


def open_source(options: DataArguments) -> Source:
    """Return the source that the options name; nothing is read yet.

    Raises:
        InputError: The options name no source, or two, or files that are not there.
    """
    from bbc_classifier.data.class_folders import ClassFolders, holds_class_folders
    from bbc_classifier.data.file_source import FileSource, files_of_dataset, files_of_sides, given_path
    from bbc_classifier.data.hub_source import HubSource

    _refuse_idle_options(options)
    if options.train_file or options.validation_file or options.test_file:
        if options.dataset != DataArguments.dataset:
            raise InputError("--dataset and --train_file, --validation_file or --test_file exclude each other")
        return FileSource(files_of_sides(options), options)
    if options.dataset == BbcNews.name:
        return BbcNews()
    if not _means_a_path(options.dataset):
        return HubSource(options)
    folder = given_path("--dataset", options.dataset)
    if folder.is_dir() and holds_class_folders(folder):
        return ClassFolders(folder)
    return FileSource(files_of_dataset(options.dataset), options)


def _refuse_idle_options(options: DataArguments) -> None:
    """Refuse an option that the named source has no use for: whoever gives it expects something of it.

    Raises:
        InputError: There is one.
    """
    by_sides = options.train_file or options.validation_file or options.test_file
    embedded = options.dataset == BbcNews.name and not by_sides
    on_the_hub = not by_sides and not embedded and not _means_a_path(options.dataset)
    idle = [] if on_the_hub else ["dataset_config", "dataset_revision"]
    if embedded:
        idle += ["text_column", "label_column", "label_separator", "label_map", "delimiter"]
    for name in idle:
        if getattr(options, name) is not None:
            what = "the embedded BBC News" if embedded else "files"
            raise InputError(f"--{name}: {what} can make no use of it; leave it out, or name other data")


def _means_a_path(name: str) -> bool:
    """Whether a name means something on this machine; what is left has the form of a Hub id."""
    from bbc_classifier.data.file_source import given_path
    from bbc_classifier.data.formats.read import FORMATS

    path = given_path("--dataset", name)
    return (
        path.exists()
        or path.suffix.lower() in FORMATS
        or path.is_absolute()
        or name.startswith(".")
        or name.count("/") > 1
        or any(mark in name for mark in PATH_MARKS)
    )
