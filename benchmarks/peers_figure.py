"""The comparison with the peers as a picture: how long, and how accurate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bbc_classifier.figure_file import save_figure

# Okabe and Ito's colours, told apart under every common colour blindness; the marks differ as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKS = "osD^vPX*"


def draw_peers(record: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy with its interval over seconds, one mark a contender.

    Args:
        record: `results/peers.json`.
        path: PNG file to write.
    """
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for (name, entry), colour, mark in zip(record["contenders"].items(), COLOURS, MARKS, strict=False):
        seconds, accuracy = entry["seconds"], entry["accuracy"]
        middle, share = seconds["median"], accuracy["median"]
        axes.errorbar(
            middle,
            share,
            xerr=[[middle - seconds["min"]], [seconds["max"] - middle]],
            yerr=[[share - accuracy["interval"][0]], [accuracy["interval"][1] - share]],
            fmt=mark,
            markersize=8,
            color=colour,
            capsize=3,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_xticks([1, 3, 10, 30, 100, 300, 1000], ["1", "3", "10", "30", "100", "300", "1000"])
    axes.minorticks_off()
    axes.set(
        xlabel="seconds from the start of the process to the model on disk (logarithmic)",
        ylabel=f"test accuracy, n = {record['n']['test']}, 95 % interval",
        title="Training on BBC News: time and accuracy",
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower left", fontsize=9)
    save_figure(figure, path)
