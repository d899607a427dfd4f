"""Names and figures as Markdown shows them: as they are."""

import re


def escape_markdown(text: object) -> str:
    """Return a name or figure as text that Markdown shows as it is, also in a table."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", flat)


def fence(text: object) -> str:
    """Return a fence for a block of code that no row of backticks in it can end."""
    return "`" * max(3, 1 + max((len(row) for row in re.findall("`+", str(text))), default=0))


def code(text: object) -> str:
    """Return a name as code in a line, also in a table: what would end it is left out."""
    return f"`{' '.join(re.sub('[`|]', '', str(text)).split())}`"
