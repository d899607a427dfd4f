"""Files of labelled rows: one file, a glob, a folder, or one for each side."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from bbc_classifier.data.formats.raw_file import check_file
from bbc_classifier.data.formats.read import FORMATS, read_table
from bbc_classifier.data.labelled_table import Part, labelled_table
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.side_names import side_in_name, side_of_split
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.provenance import file_sha256, text_sha256

GLOB_MARKS = "*?["


@dataclass(frozen=True)
class SidedFile:
    """A file and the side its rows are on, or None where nothing says."""

    path: Path
    side: str | None


class FileSource:
    """Rows of one or several files of one or several formats."""

    def __init__(self, files: Sequence[SidedFile], options: DataArguments):
        self.files = list(files)
        self.options = options
        self.name = _name([file.path for file in self.files])
        self._columns: dict[str, Any] | None = None
        self._names = short_names([file.path for file in self.files])

    def read(self) -> Dataset:
        """Return the rows of all files, in the order of the files.

        Raises:
            InputError: A file is missing, damaged or of another make than the others.
            WorldError: A file may not be read.
        """
        parts = [
            Part(name, f"'{file.path}'", read_table(file.path, delimiter=self.options.delimiter), file.side)
            for name, file in zip(self._names, self.files, strict=True)
        ]
        table, columns = labelled_table(parts, self.options)
        self._columns = asdict(columns)
        return table

    def identity(self) -> str:
        """Return the hash of all files' names and hashes.

        Raises:
            InputError: A file is missing, or a folder, or empty.
        """
        for file in self.files:
            check_file(file.path)
        return text_sha256("\n".join(f"{file_sha256(file.path)} {file.side} {file.path.name}" for file in self.files))

    def provenance(self) -> dict[str, Any]:
        """Return name, columns, and every file's name, side and SHA-256; no folder of this machine."""
        files = [
            {"name": name, "side": file.side, "sha256": file_sha256(file.path)}
            for name, file in zip(self._names, self.files, strict=True)
        ]
        return {"name": self.name, "columns": self._columns, "files": files, "terms": "the owner's"}


def files_of_dataset(dataset: str) -> list[SidedFile]:
    """Return the files of `--dataset`: a file, a glob, or a folder of files.

    Files of a folder or glob that are named for sides ("train.csv", "news-test-00000.parquet"), or lie in folders that
    are ("test/part-0.parquet"), are ready-made splits. One file that is named by itself is split like any.

    Raises:
        InputError: There is no such file, or some are named for a side and others are not.
    """
    path = given_path("--dataset", dataset)
    root = path if path.is_dir() else _fixed_part(path)
    if path.is_dir():
        paths = files_below(path)
        if not paths:
            raise InputError(
                f"--dataset: the folder '{dataset}' holds neither a file of rows ({', '.join(FORMATS)}) nor a folder "
                "of text files per class"
            )
    else:
        paths = matching_files("--dataset", dataset)
    if paths == [path]:
        return [SidedFile(path, None)]
    files = [SidedFile(file, _side_of(file, root)) for file in paths]
    nameless = [file for file in files if file.side is None]
    if nameless and len(nameless) < len(files):
        sided = next(file for file in files if file.side)
        raise InputError(
            f"--dataset: '{sided.path}' is named for a side and '{nameless[0].path}' is not; name the sides with "
            "--train_file, --validation_file and --test_file"
        )
    return files


def names_several(name: str) -> bool:
    """Whether a name is that of a folder, or a pattern and no file's own."""
    path = Path(name)
    return path.is_dir() or (any(mark in name for mark in GLOB_MARKS) and not path.is_file())


def files_below(folder: Path) -> list[Path]:
    """Return the files of rows in a folder and the folders in it, by their names.

    Raises:
        WorldError: One of the folders may not be read.
    """

    def refuse(error: OSError) -> None:
        raise WorldError(f"cannot read the folder '{error.filename}': {error.strerror}") from error

    files = (Path(place, name) for place, _, names in os.walk(folder, onerror=refuse) for name in names)
    return sorted(file for file in files if file.suffix.lower() in FORMATS and file.is_file())


def _side_of(file: Path, root: Path) -> str | None:
    """Return the side that a file's name says, or else that of the nearest folder below `root` whose name says one."""
    folders = file.relative_to(root).parent.parts
    return side_in_name(file.stem) or next(filter(None, map(side_of_split, reversed(folders))), None)


def files_of_sides(options: DataArguments) -> list[SidedFile]:
    """Return the files of `--train_file`, `--validation_file` and `--test_file`.

    Raises:
        InputError: There is no such file, or one is on two sides.
    """
    files = []
    for side in ("train", "validation", "test"):
        pattern = getattr(options, f"{side}_file")
        if pattern:
            files += [SidedFile(path, side) for path in matching_files(f"--{side}_file", pattern)]
    path, count = Counter(file.path.resolve() for file in files).most_common(1)[0]
    if count > 1:
        raise InputError(f"the file '{path.name}' is on two sides; every file may be on one")
    return files


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the files' names, each after as many of its folders as it takes to tell them apart; forward slashes."""
    parts = [path.absolute().parts for path in paths]
    for depth in range(1, max(map(len, parts))):
        names = ["/".join(own[-depth:]) for own in parts]
        if len(set(names)) == len(names):
            return names
    return ["/".join(own) for own in parts]


def named_paths(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the files by their short names, in their order."""
    return dict(zip(short_names(paths), paths, strict=True))


def _name(paths: Sequence[Path]) -> str:
    """Return the file's name, or the folder's and how many files of it there are."""
    if len(paths) == 1:
        return paths[0].name
    folders = {path.resolve().parent.name for path in paths}
    return f"{'+'.join(sorted(folders))} ({len(paths)} files)"


def matching_files(flag: str, pattern: str) -> list[Path]:
    """Return the files that a path or glob names, by their names.

    Raises:
        InputError: It names none, or a folder.
    """
    path = given_path(flag, pattern)
    if path.is_dir():
        raise InputError(f"{flag}: '{pattern}' is a folder where a file is meant")
    if path.is_file():
        return [path]
    if not any(mark in pattern for mark in GLOB_MARKS):
        raise InputError(f"{flag}: there is no file '{pattern}'")
    root = Path(path.anchor) if path.is_absolute() else Path()
    try:
        files = sorted(file for file in root.glob(str(path.relative_to(root))) if file.is_file())
    except ValueError as error:
        raise InputError(f"{flag}: '{pattern}' is no pattern of file names: {error}") from error
    if not files:
        raise InputError(f"{flag}: no file matches '{pattern}'")
    return files


def _fixed_part(pattern: Path) -> Path:
    """Return the folders of a pattern before its first mark; what they are called, nobody chose by the pattern."""
    free = next((depth for depth, part in enumerate(pattern.parts) if any(mark in part for mark in GLOB_MARKS)), 0)
    return Path(*pattern.parts[:free])


def given_path(flag: str, name: str) -> Path:
    """Return the path that a name means, there or not, with `~` for the home folder.

    Raises:
        InputError: No file of this system can have the name.
    """
    try:
        path = Path(name).expanduser()
        path.exists()
    except RuntimeError as error:
        raise InputError(f"{flag}: '{name}' names the home folder of nobody here") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{flag}: '{name[:80]}' cannot be a file: {getattr(error, 'strerror', error)}") from error
    return path
