"""Plain text, a text a line."""

from pathlib import Path

import pyarrow as pa

from bbc_classifier.data.formats.raw_file import check_text


def read_lines(path: Path) -> pa.Table:
    """Return one row per line, in the column `text`; a line break at the end of the file ends the last line.

    Raises:
        InputError: The file is not UTF-8.
    """
    check_text(path)
    content = path.read_text(encoding="utf-8-sig")
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return pa.table({"text": lines})
