"""The comparison's pictures: once as PNG files, and once as SVG for the page, in whose colours their text then is."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bbc_classifier.figure_file import literal_text

# Okabe and Ito's colours, told apart under every common colour blindness; the yellow is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#666666")
MARKERS = "osD^vPX*"
# A colour that no picture uses: in the page it becomes whatever colour text has there.
INK = "#010203"
# This baseline is so far below all others that an axis which reaches it would hide every difference.
FAR_BELOW = "majority"


def draw_accuracy(configurations: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each configuration's accuracy, best on top, with the interval of every seed.

    The majority's stands as a number at the edge of the axis, which begins at the lowest of the others.

    Args:
        configurations: `configurations` of the results, in their order.
    """
    figure = Figure(figsize=(7, 1.0 + 0.38 * len(configurations)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(configurations):
        colour = COLOURS[6] if row["baseline"] else COLOURS[0]
        offsets = np.linspace(-0.2, 0.2, len(row["per_seed"])) if len(row["per_seed"]) > 1 else [0.0]
        for offset, seed in zip(offsets, row["per_seed"], strict=True):
            low, high = (100 * edge for edge in seed["intervals"]["accuracy"])
            accuracy = 100 * seed["metrics"]["accuracy"]
            axes.plot([low, high], [place + offset] * 2, color=colour, linewidth=1.5)
            axes.plot(accuracy, place + offset, "s" if row["baseline"] else "o", color=colour, markersize=5)
    axes.set_yticks(range(len(configurations)), [f"{row['name']} ({row['letters']})" for row in configurations])
    axes.invert_yaxis()
    axes.set(xlabel="accuracy in %, one point and 95 % interval a seed; squares are baselines")
    _leave_far_below(axes, configurations)
    _tidy(axes, "x")
    return figure


def _leave_far_below(axes: Axes, configurations: Sequence[Mapping[str, Any]]) -> None:
    """Begin the axis where the configurations begin, and write down what lies before it."""
    low, high = _span([row for row in configurations if row["name"] != FAR_BELOW] or configurations)
    margin = 0.05 * (high - low)
    axes.set_xlim(low - margin, min(100.0, high + margin) + 0.02 * margin)
    for place, row in enumerate(configurations):
        accuracy = 100 * row["mean"]["accuracy"]
        if accuracy < low - margin:
            axes.annotate(f"◂ {accuracy:.2f}", (low - margin, place), (4, 0), textcoords="offset points", va="center")


def _span(configurations: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the lowest and the highest edge of all intervals, in %."""
    edges = [edge for row in configurations for seed in row["per_seed"] for edge in seed["intervals"]["accuracy"]]
    return 100 * min(edges), 100 * max(edges)


def draw_learning_curves(curves: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy over the number of training rows, a line a configuration.

    Args:
        curves: `learning_curves` of the results.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(dict.fromkeys(row["name"] for row in curves)):
        rows = [row for row in curves if row["name"] == name]
        axes.plot(
            [row["train_rows"] for row in rows],
            [100 * row["accuracy"] for row in rows],
            label=name,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
        )
    axes.set(xlabel="training rows", ylabel="accuracy in %", xscale="log")
    ticks = sorted({round(row["train_rows"]) for row in curves})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    _tidy(axes, "both")
    axes.legend(frameon=False, fontsize=8)
    return figure


def draw_reliability(curve: Sequence[Mapping[str, float]]) -> Figure:
    """Draw accuracy over confidence by bin, the area of a point as its rows.

    Args:
        curve: `reliability` of a configuration.
    """
    figure = Figure(figsize=(3.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=COLOURS[6], linewidth=1, linestyle=":")
    most = max(bin_["rows"] for bin_ in curve)
    sizes = [20 + 160 * bin_["rows"] / most for bin_ in curve]
    confidence, accuracy = ([bin_[key] for bin_ in curve] for key in ("confidence", "accuracy"))
    axes.plot(confidence, accuracy, color=COLOURS[0], linewidth=1)
    axes.scatter(confidence, accuracy, s=sizes, color=COLOURS[0], alpha=0.7, clip_on=False)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    _tidy(axes, "both")
    return figure


def svg(draw: Callable[[], Figure], alt: str) -> str:
    """Return a picture as an SVG element whose text and lines have the page's colour.

    Args:
        draw: Draws it.
        alt: What it shows, for those who cannot see it. It is escaped here.
    """
    ink: Any = {name: INK for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")}
    with rc_context({**ink, "svg.fonttype": "none", "svg.hashsalt": alt, "font.size": 9}):
        figure = draw()
        literal_text(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    # Several pictures stand in one page: names that nothing refers to go, and the others are salted by what is shown.
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>| id=\"[A-Za-z0-9.]+_\d+\"", "", text, flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(alt)}" ', 1)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _tidy(axes: Axes, grid: Literal["both", "x", "y"]) -> None:
    axes.grid(axis=grid, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
