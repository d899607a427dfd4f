"""Finding the record that describes a classifier, in its folder or on the Hub, and comparing its files with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from transformers.utils import cached_file

from bbc_classifier.described_files import refuse_other_files
from bbc_classifier.errors import WorldError

RECORD, EXPORT = "record.json", "export.json"
WEIGHTS = "model.safetensors"


@contextmanager
def as_described(
    what: str, location: str, revision: str | None, *, record_name: str = RECORD, weights_name: str = WEIGHTS
) -> Iterator[None]:
    """Compare the files that a classifier is loaded from in here with the record beside them, where there is one.

    The client of the Hub compares sizes only, so a file in which a bit has changed would be answered with. Where one
    could not even be loaded, that it is damaged says more than what the library stumbled over.

    Args:
        what: The classifier, as the beginning of a sentence.
        location: Its folder or Hub id.
        revision: Branch, tag or commit of a Hub id.
        record_name: The record: that of a run, or of an export.
        weights_name: The weights. Those that someone has saved again in several files are in no record.

    Raises:
        InputError: A file is another.
    """
    try:
        yield
    except WorldError:
        raise
    except Exception:
        _refuse_other(what, location, revision, record_name, weights_name)
        raise
    _refuse_other(what, location, revision, record_name, weights_name)


def _refuse_other(what: str, location: str, revision: str | None, record_name: str, weights_name: str) -> None:
    # "." has no name.
    folder = Path(location).absolute()
    record = _record_of_folder(folder, record_name) if folder.is_dir() else _fetched(location, revision, record_name)
    if record is not None:
        weights = _loaded(location, revision, weights_name)
        whole = weights if weights is not None and weights.is_file() else None
        refuse_other_files(what, record, whole, lambda name: _loaded(location, revision, name))


def _record_of_folder(folder: Path, name: str) -> Path | None:
    """Return the record in a published folder, or beside the model folder of a run."""
    beside = [folder / name, *([folder.parent / name] if folder.name == "model" else [])]
    return next((file for file in beside if file.is_file()), None)


def _fetched(repo_id: str, revision: str | None, name: str) -> Path | None:
    file = cached_file(
        repo_id,
        name,
        revision=revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if file is None else Path(file)


def _loaded(location: str, revision: str | None, name: str) -> Path | None:
    """Return a file of a folder; of a Hub id one that was loaded, or None."""
    if Path(location).is_dir():
        return Path(location) / name
    cached = try_to_load_from_cache(location, name, revision=revision)
    return Path(cached) if isinstance(cached, str) else None
