"""Finding the record that describes a classifier, in its folder or on the Hub, and comparing its files with it."""

from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from transformers.utils import cached_file

from bbc_classifier.described_files import refuse_other_files

RECORD, EXPORT = "record.json", "export.json"


def refuse_other_checkpoint(
    what: str, location: str, revision: str | None, weights: Path | None, *, record_name: str = RECORD
) -> None:
    """Compare the files that a classifier was loaded from with the record beside them, where there is one.

    The client of the Hub compares sizes only, so a file in which a bit has changed would be answered with.

    Args:
        what: The classifier, as the beginning of a sentence.
        location: Its folder or Hub id.
        revision: Branch, tag or commit of a Hub id.
        weights: The weights file, if it is one.
        record_name: The record: that of a run, or of an export.

    Raises:
        InputError: A file is another.
    """
    folder = Path(location)
    record = _record_of_folder(folder, record_name) if folder.is_dir() else _fetched(location, revision, record_name)
    if record is not None:
        refuse_other_files(what, record, weights, lambda name: _loaded(location, revision, name))


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
