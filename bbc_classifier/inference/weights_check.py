"""Whether weights are the ones that the record beside them describes: what was damaged or exchanged is not used."""

from pathlib import Path

from transformers.utils import cached_file

from bbc_classifier.errors import InputError
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import described_weights

RECORD = "record.json"
WEIGHTS = "model.safetensors"


def refuse_other_weights(what: str, location: str, revision: str | None, weights: Path | None) -> None:
    """Compare the weights with the hash in the record of their run, where there is one.

    The client of the Hub compares sizes only, so a file in which a bit has changed would be answered with.

    Args:
        what: The classifier, as the beginning of a sentence.
        location: Its folder or Hub id.
        revision: Branch, tag or commit of a Hub id.
        weights: The weights file, if it is one.

    Raises:
        InputError: They are others.
    """
    described = _described(location, revision)
    if described is None or weights is None or weights.name != WEIGHTS:
        return
    found = file_sha256(weights)
    if found != described:
        raise InputError(
            f"{what}: {WEIGHTS} is {found[:12]}…, but {RECORD} describes {described[:12]}…: the file is damaged or "
            "belongs to another run; fetch or train it again"
        )


def _described(location: str, revision: str | None) -> str | None:
    """Return the hash that the record has of the weights; None without a record of ours."""
    file = _record_of_folder(Path(location)) if Path(location).is_dir() else _record_of_hub(location, revision)
    return None if file is None else described_weights(file)


def _record_of_folder(folder: Path) -> Path | None:
    """Return the record in a published folder, or beside the model folder of a run."""
    beside = [folder / RECORD, *([folder.parent / RECORD] if folder.name == "model" else [])]
    return next((file for file in beside if file.is_file()), None)


def _record_of_hub(repo_id: str, revision: str | None) -> Path | None:
    file = cached_file(
        repo_id,
        RECORD,
        revision=revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if file is None else Path(file)
