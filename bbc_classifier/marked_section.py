"""Parts of a Markdown file that a script writes, between two markers, so that no figure in it is typed by hand."""

from pathlib import Path

from bbc_classifier.records import write_text


def markers(name: str, script: str) -> tuple[str, str]:
    """Return the comments that stand before and after a section."""
    return f"<!-- {name}: written by {script} -->", f"<!-- /{name} -->"


def write_marked_section(file: Path, name: str, script: str, text: str) -> None:
    """Replace what stands between a section's markers.

    Args:
        file: The file.
        name: The section's name.
        script: The script that writes it.
        text: What is to stand there.

    Raises:
        ValueError: A marker is missing.
    """
    begin, end = markers(name, script)
    before, found_begin, rest = file.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{file} lacks the marker {begin if not found_begin else end}")
    write_text(file, f"{before}{begin}\n\n{text}\n{end}{after}")
