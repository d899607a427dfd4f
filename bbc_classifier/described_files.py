"""Whether the files of a classifier are the ones that the record beside them describes: no damaged one is used."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import NamedTuple

from bbc_classifier.errors import InputError
from bbc_classifier.provenance import file_sha256, settings_file_sha256
from bbc_classifier.records import read_json

BY_INTENT = "; if you changed it, remove {record}, which is of another classifier"


class Described(NamedTuple):
    """The hashes that a record has: of the weights, and by file of the settings; an old one has none of these."""

    weights: str | None
    settings: dict[str, str]


def described(record: Path) -> Described:
    """Return the hashes in the record of a run or of an export; none where it is no record of ours."""
    try:
        content = read_json(record)
        part = content["model"] if "model" in content else content["exported"]
        weights, settings = part.get("weights_sha256"), part.get("settings_sha256", {})
        # No name leads out of the folder.
        plain = {name: str(sha256) for name, sha256 in settings.items() if name == PurePath(name).name}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Described(None, {})
    return Described(None if weights is None else str(weights), plain)


def refuse_other_files(what: str, record: Path, weights: Path | None, settings: Callable[[str], Path | None]) -> None:
    """Compare weights, configuration and tokenizer with their hashes in a record.

    Args:
        what: The classifier, as the beginning of a sentence.
        record: That of its run, or of its export.
        weights: The weights, if they are in one file.
        settings: From the name of a file to where it lies; None for one that is not asked after.

    Raises:
        InputError: A file is another, or missing.
    """
    expected = described(record)
    if weights is not None and expected.weights:
        _refuse_other(what, record, weights.name, file_sha256(weights), expected.weights)
    for name, sha256 in expected.settings.items():
        file = settings(name)
        if file is not None and not file.is_file():
            raise InputError(f"{what} lacks {name}, which {record.name} describes; fetch or make it again")
        if file is not None:
            _refuse_other(what, record, name, settings_file_sha256(file), sha256, BY_INTENT.format(record=record.name))


def _refuse_other(what: str, record: Path, name: str, found: str, expected: str, advice: str = "") -> None:
    if found != expected:
        raise InputError(
            f"{what}: {name} is {found[:12]}…, but {record.name} describes {expected[:12]}…: the file is damaged or "
            f"belongs to another run; fetch or make it again{advice}"
        )
