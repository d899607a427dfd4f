"""The picture of an audit: rows per label, lengths, and how much of the held-out rows was seen."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bbc_classifier.audit.lengths import LIMITS
from bbc_classifier.data.split import SIDES
from bbc_classifier.figure_file import save_figure, shortened

# Okabe and Ito's colours, told apart under every common colour blindness.
SIDE_COLOURS = dict(zip(SIDES, ("#0072B2", "#D55E00", "#009E73"), strict=True))
ONE_COLOUR, EXACT_COLOUR, NEAR_COLOUR = "#0072B2", "#E69F00", "#CC79A7"
# More labels are drawn as these and "n others".
MOST_LABELS = 20
LONGEST_NAME = 24


def draw_audit(found: dict[str, Any], lengths: np.ndarray, unit: str, path: Path, title: str) -> None:
    """Draw an audit.

    Args:
        found: What `findings` returned.
        lengths: (texts,) length of each text that is not blank.
        unit: What the lengths count, such as "tokens (minilm)"; limits are marked where it starts with "tokens".
        path: PNG file to write.
        title: Above the picture.
    """
    bars = min(len(found["labels"]["rows"]), MOST_LABELS + 1)
    figure = Figure(figsize=(10, max(4.8, 1.6 + 0.28 * bars)), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplot_mosaic(
        [["labels", "lengths"], ["labels", "leaks"]], width_ratios=(5, 6), height_ratios=(3, 2)
    )
    _draw_labels(panels["labels"], found)
    _draw_lengths(panels["lengths"], lengths, unit)
    _draw_leaks(panels["leaks"], found)
    save_figure(figure, path)


def _draw_labels(axes: Axes, found: dict[str, Any]) -> None:
    """Draw a bar of rows per label, the most frequent on top, in a part for each side."""
    rows = found["labels"]["rows"]
    by_side = found["labels"]["rows_by_side"] or {"": rows}
    names = sorted(rows, key=lambda name: -rows[name])
    shown, others = names[:MOST_LABELS], names[MOST_LABELS:]
    places = np.arange(len(shown) + bool(others))
    start = np.zeros(len(places))
    for side, counts in by_side.items():
        width = np.array([counts[name] for name in shown] + [sum(counts[name] for name in others)] * bool(others))
        axes.barh(places, width, left=start, height=0.75, color=SIDE_COLOURS.get(side, ONE_COLOUR), label=side)
        start += width
    for place, total in zip(places, start, strict=True):
        axes.annotate(f"{total:,.0f}", (total, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(
        places, [shortened(name, LONGEST_NAME) for name in shown] + [f"{len(others)} others"] * bool(others)
    )
    axes.set_title("Rows per label", loc="left", fontsize=11)
    axes.set_xlabel("rows")
    axes.margins(x=0.14)
    # Room for five bars at least, or one would be a wall.
    axes.set_ylim(max(len(places), 5) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if found["labels"]["rows_by_side"]:
        _legend_above(axes)


def _draw_lengths(axes: Axes, lengths: np.ndarray, unit: str) -> None:
    """Draw a histogram over a scale of doublings, and the share of texts beyond each usual limit."""
    axes.set(xlabel=unit, ylabel="texts", xscale="log")
    axes.set_title("Length of a text", loc="left", fontsize=11)
    if len(lengths):
        lowest, highest = max(1, lengths.min()), max(2, lengths.max() + 1)
        axes.hist(np.maximum(lengths, 1), bins=_edges(lowest, highest), color=ONE_COLOUR, edgecolor="white", lw=0.3)
        first, last = int(np.floor(np.log2(lowest))), int(np.ceil(np.log2(highest)))
        ticks = 2 ** np.arange(first, last + 1)
        axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=8)
        axes.set_xlim(ticks[0], ticks[-1])
        axes.minorticks_off()
        if unit.startswith("tokens"):
            _mark_limits(axes, lengths)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _mark_limits(axes: Axes, lengths: np.ndarray) -> None:
    """Draw a line at each usual limit that the scale reaches, and write the share of longer texts beside it."""
    axes.set_title(f"and the share longer than {', '.join(map(str, LIMITS))}", loc="right", fontsize=8)
    axes.margins(y=0.18)
    first, last = axes.get_xlim()
    for limit in LIMITS:
        if first <= limit < last:
            axes.axvline(limit, color="black", ls="--", lw=0.8)
            axes.annotate(
                f"{(lengths > limit).mean():.0%} →",
                (limit, 0.96),
                (3, 0),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                fontsize=8,
            )


def _edges(lowest: int, highest: int) -> list[float]:
    """Return the edges of about forty bars, none narrower than a whole length."""
    return np.unique(np.round(np.geomspace(lowest, highest, 41))).tolist()


def _draw_leaks(axes: Axes, found: dict[str, Any]) -> None:
    """Draw the share of held-out rows that other sides hold: exactly, and exactly or nearly."""
    axes.set_title("Leaked rows", loc="left", fontsize=11)
    shares = _leak_shares(found)
    if not shares:
        axes.text(0.5, 0.5, "no held-out rows to compare", ha="center", va="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    kinds = [("exact_share", EXACT_COLOUR, "exact"), ("exact_or_near_share", NEAR_COLOUR, "exact or near")]
    if found["near_duplicates"] is None:
        kinds = kinds[:1]
    height = 0.8 / len(kinds)
    for order, (key, colour, name) in enumerate(kinds):
        places = np.arange(len(shares)) + (order - (len(kinds) - 1) / 2) * height
        low, mean, high = np.array([_spread(share[key]) for share in shares.values()]).reshape(-1, 3).T
        axes.barh(places, mean, height=0.9 * height, color=colour, label=name)
        for place, least, middle, most in zip(places, low, mean, high, strict=True):
            text = f"{middle:.1%}"
            # A whisker from the least to the most over the random splits; a single figure has none.
            if least < most:
                axes.plot((least, most), (place, place), color="black", lw=1)
                text += f" ({least:.1%} to {most:.1%})"
            axes.annotate(text, (most, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(shares)), list(shares), fontsize=9)
    axes.set_xlabel("share of the held-out rows that other sides hold too")
    axes.set_xlim(0, max(0.01, 1.7 * axes.dataLim.xmax))
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    _legend_above(axes)


def _leak_shares(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what to draw of the leaks: a name, and the shares under it."""
    if found["leaked"] is not None:
        return {side: leak["from_any"] for side, leak in found["leaked"].items()}
    named = {"random split": found["own_split"]["random"], "split by group": found["own_split"]["grouped"]}
    return {name: leak for name, leak in named.items() if leak and "exact_share" in leak}


def _spread(share: dict[str, float] | float) -> tuple[float, float, float]:
    """Return least, mean and most of a share, which are one where it was measured once."""
    return (share["min"], share["mean"], share["max"]) if isinstance(share, dict) else (share, share, share)


def _legend_above(axes: Axes) -> None:
    """Put the legend beside the title, where no bar can be."""
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        frameon=False,
        fontsize=8,
        borderaxespad=0.2,
        columnspacing=1,
        handlelength=1,
    )
