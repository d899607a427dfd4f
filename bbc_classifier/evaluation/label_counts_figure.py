"""The picture of a multi-label test: per label what was found, what was missed, and what was given wrongly."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bbc_classifier.figure_file import save_figure, shortened

# Okabe and Ito's colours, told apart under every common colour blindness; the hatching tells them apart in grey too.
FOUND, MISSED, WRONG = ("#0072B2", ""), ("#E69F00", "//"), ("#D55E00", "xx")
# Of more labels than this, those with the most mistakes are drawn.
MOST_LABELS = 40


def draw_label_counts(counts: Mapping[str, Mapping[str, int]], path: Path, *, title: str = "") -> None:
    """Draw one bar per label: to the right the rows that have it, found or missed; to the left those that have not.

    Rows without the label that were not given it are left out: they would dwarf everything else. Of many labels the
    forty with the most mistakes are drawn.

    Args:
        counts: Per label name its `tp`, `fp`, `fn`.
        path: PNG file to write.
        title: Above the picture.
    """
    names = _most_mistaken(counts)
    if len(names) < len(counts):
        title += f"\nthe {len(names)} of {len(counts)} labels with the most mistakes"
    tp, fp, fn = (np.array([counts[name][kind] for name in names]) for kind in ("tp", "fp", "fn"))
    # Inches; the names share the width with the bars.
    width, height = 5.5 + 0.09 * max(len(shortened(name)) for name in names), 1.8 + 0.34 * len(names)
    figure = Figure(figsize=(width, max(3.4, height)), layout="constrained")
    axes = figure.subplots()
    places = range(len(names))
    for name, values, start, (colour, hatch) in (
        ("given and there (tp)", tp, 0 * tp, FOUND),
        ("there, not given (fn)", fn, tp, MISSED),
        ("given, not there (fp)", -fp, 0 * fp, WRONG),
    ):
        axes.barh(places, values, left=start, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5, label=name)
    for place in places:
        right, left = f" {tp[place]} + {fn[place]}", f"{fp[place]} "
        for x, text, side in ((tp[place] + fn[place], right, "left"), (-fp[place], left, "right")):
            axes.text(x, place, text, va="center", ha=side, fontsize=8).set_in_layout(False)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, [shortened(name) for name in names])
    axes.invert_yaxis()
    # Room for the numbers beside the bars; bars set an edge of their own that no margin moves.
    most, least = max(1, (tp + fn).max()), fp.max()
    room = 0.3 * (most + least)
    axes.set_xlim(-least - room, most + room)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set(xlabel="rows", title=title)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    save_figure(figure, path)


def _most_mistaken(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the names to draw, in their own order."""
    mistakes = sorted(counts, key=lambda name: -(counts[name]["fp"] + counts[name]["fn"]))
    chosen = set(mistakes[:MOST_LABELS])
    return [name for name in counts if name in chosen]
