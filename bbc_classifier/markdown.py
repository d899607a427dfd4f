"""Names and figures as Markdown shows them: as they are."""

import re


def escape_markdown(text: object) -> str:
    """Return a name or figure as text that Markdown shows as it is, also in a table."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", flat)
