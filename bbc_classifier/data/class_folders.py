"""A folder of class folders: a text file per article, in a folder named for its label."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, Value

from bbc_classifier.data.formats.raw_file import check_text, refuse_other_name
from bbc_classifier.data.side_names import side_of_split
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.provenance import file_sha256, text_sha256

logger = logging.getLogger(__name__)

ENDING = ".txt"


class ClassFolders:
    """`<label>/<article>.txt`, or `<side>/<label>/<article>.txt` with ready-made splits."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.name = folder.resolve().name
        self._files = 0

    def read(self) -> Dataset:
        """Return every article; its row id is its path in the folder.

        Raises:
            InputError: A file is not UTF-8; the message names the byte.
            InputError: A name is not UTF-8.
            WorldError: A file may not be read.
        """
        sided = _side_folders(self.folder)
        rows = []
        for side, folder in sided or [("", self.folder)]:
            for path in _articles(folder):
                row_id = path.relative_to(self.folder).as_posix()
                rows.append({"row_id": row_id, "text": _text(path), "label": path.parent.name, "side": side})
        if not rows:
            raise InputError(f"--dataset: the class folders of '{self.folder}' hold no .txt file")
        self._files = len(rows)
        ignored = sum(path.is_file() and not path.name.startswith(".") for path in self.folder.rglob("*")) - len(rows)
        if ignored:
            logger.warning("%s: left out %d files that are no <label>/<article>%s", self.name, ignored, ENDING)
        names = sorted({str(row["label"]) for row in rows})
        features = {"row_id": Value("string"), "text": Value("string"), "label": ClassLabel(names=names)}
        if sided:
            features["side"] = Value("string")
        return Dataset.from_list([{name: row[name] for name in features} for row in rows], Features(features))

    def identity(self) -> str:
        """Return the hash of the paths and contents of all articles.

        Raises:
            InputError: A name is not UTF-8.
            WorldError: A file may not be read.
        """
        paths = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() == ENDING and path.is_file())
        return text_sha256("\n".join(f"{_sha256(path)} {path.relative_to(self.folder).as_posix()}" for path in paths))

    def provenance(self) -> dict[str, Any]:
        """Return the folder's name and the number of files; no folder of this machine."""
        return {"name": self.name, "files": self._files, "terms": "the owner's"}


def holds_class_folders(folder: Path) -> bool:
    """Whether a folder holds folders of text files, directly or one for each side."""
    return any(any(_articles(place)) for place in [folder, *(place for _, place in _side_folders(folder))])


def _side_folders(folder: Path) -> list[tuple[str, Path]]:
    """Return the folders that are named for a side and hold class folders."""
    sided = ((side_of_split(place.name), place) for place in sorted(folder.iterdir()) if place.is_dir())
    return [(side, place) for side, place in sided if side and any(_articles(place))]


def _articles(folder: Path) -> Iterator[Path]:
    """Yield the text files of the folders in a folder; hidden ones are some system's own."""
    yield from sorted(
        path
        for path in folder.glob("*/*")
        # Not by the pattern: on some systems it heeds case and on others not.
        if path.suffix.lower() == ENDING and not path.parent.name.startswith(".") and not path.name.startswith(".")
        if path.is_file()
    )


def _text(path: Path) -> str:
    refuse_other_name(path)
    with _readable(path):
        check_text(path)
        return path.read_text(encoding="utf-8-sig").strip()


def _sha256(path: Path) -> str:
    refuse_other_name(path)
    with _readable(path):
        return file_sha256(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorldError(f"cannot read '{path}': {error.strerror}") from error
