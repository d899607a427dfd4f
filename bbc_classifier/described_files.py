"""Whether the files of a classifier are the ones that the record beside them describes: no damaged one is used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bbc_classifier.errors import InputError
from bbc_classifier.provenance import file_sha256, settings_file_sha256
from bbc_classifier.records import read_json
from bbc_classifier.shapes import FILE_NAME, SHA256, Shape, refuse_other_shape

SETTINGS: Shape = {FILE_NAME: SHA256}
HASHES: dict[Any, Shape] = {"weights_sha256": SHA256, "settings_sha256?": SETTINGS}


class Described(NamedTuple):
    """The hashes that a record has: of the weights, and by file of the settings; an old one has none of these."""

    weights: str | None
    settings: dict[str, str]


def described(record: Path) -> Described:
    """Return the hashes in the record of a run or of an export; none where it is somebody else's.

    Raises:
        InputError: It is damaged.
    """
    content = read_json(record)
    # Many a log of experiments names a model.
    ours = isinstance(content, dict) and "schema" in content
    part = next((part for part in ("model", "exported") if ours and part in content), None)
    if part is None:
        return Described(None, {})
    refuse_other_shape(f"'{record}'", content, {part: HASHES})
    return Described(content[part]["weights_sha256"], content[part].get("settings_sha256", {}))


def refuse_other_files(what: str, record: Path, weights: Path | None, settings: Callable[[str], Path | None]) -> None:
    """Compare weights, configuration and tokenizer with their hashes in a record.

    Args:
        what: The classifier, as the beginning of a sentence.
        record: That of its run, or of its export.
        weights: The weights, if they are in one file.
        settings: From the name of a file to where it lies; None for one that is not asked after.

    Raises:
        InputError: A file is another or missing, or the record is damaged.
    """
    try:
        expected = described(record)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    if weights is not None and expected.weights:
        _refuse_other(what, record, weights.name, file_sha256(weights), expected.weights)
    for name, sha256 in expected.settings.items():
        file = settings(name)
        if file is not None and not file.is_file():
            raise InputError(f"{what} lacks {name}, which {record.name} describes; fetch or make it again")
        if file is not None:
            _refuse_other(what, record, name, settings_file_sha256(file), sha256)


def _refuse_other(what: str, record: Path, name: str, found: str, expected: str) -> None:
    if found != expected:
        raise InputError(
            f"{what}: {name} is {found[:12]}…, but {record.name} describes {expected[:12]}…: the file is damaged or "
            f"belongs to another run; fetch or make it again. Whoever changed it on purpose uses a copy "
            f"of the folder without {record.name}, which is of another classifier"
        )
