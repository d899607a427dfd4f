"""The files that `--input` names: one, those of a folder, or those that match a pattern."""

from pathlib import Path

from bbc_classifier.data.file_source import files_below, given_path, matching_files, short_names
from bbc_classifier.data.formats.json_rows import is_unicode
from bbc_classifier.data.formats.read import FORMATS
from bbc_classifier.errors import InputError


def input_files(pattern: str, output: Path) -> list[Path]:
    """Return the files, by their names; nothing that lies in the output folder is one.

    Raises:
        InputError: There is none, or one has a name that no record can hold.
    """
    path = given_path("--input", pattern)
    found = files_below(path) if path.is_dir() else matching_files("--input", pattern)
    files = [file for file in found if not file.resolve().is_relative_to(output.resolve())]
    if not files:
        raise InputError(
            f"--input: '{pattern}' holds no file of rows ({', '.join(FORMATS)}); files of lines are named by a "
            "pattern, such as 'texts/*.txt'"
        )
    for name in short_names(files):
        if not is_unicode(name):
            raise InputError(f"--input: the file {name!a} has a name that is not UTF-8; rename it")
    return files
