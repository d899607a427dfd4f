"""Text that a spreadsheet would take for a formula, as it opens a CSV file: shown as the text it is, not computed."""

import re
from typing import Any

# Their wide forms are taken for the same in some languages.
FORMULA = r"^ *[=+\-@\t\r\n＝＋－＠]"


def plain_cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet computes: such text behind an apostrophe, and all else as it is.

    >>> plain_cell("=1+1"), plain_cell("sport"), plain_cell(-1.5)
    ("'=1+1", 'sport', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and re.match(FORMULA, value) else value
