"""A figure to a PNG file: whole or not at all, and the same bytes for the same figure."""

import logging
import warnings
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from bbc_classifier.records import written_whole

logger = logging.getLogger(__name__)

DOTS_PER_INCH = 150
# Of a label that is a sentence, a picture would become as wide as that.
LONGEST_NAME = 40


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG without the drawing library's version in it, so that equal figures are equal files.

    Characters that no font of this machine has are drawn as boxes; that is said once, not once a character.
    """
    FigureCanvasAgg(figure)
    literal_text(figure)
    with written_whole(path) as beside, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(beside, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    boxes = [warning for warning in caught if "missing from font" in str(warning.message)]
    if boxes:
        logger.warning("%s: this machine has no font for %d characters; they are boxes there", path.name, len(boxes))
    for other in caught:
        if other not in boxes:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)


def literal_text(figure: Figure) -> None:
    """Take all text as it stands: names of labels and files are no formulas, whatever dollar signs they hold."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)


def shortened(name: str, most: int = LONGEST_NAME) -> str:
    """Return a name as a picture has room for it, in `most` letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
