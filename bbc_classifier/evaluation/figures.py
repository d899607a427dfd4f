"""The pictures of a run: its learning curves and its confusion matrix."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bbc_classifier.figure_file import save_figure, shortened

# Okabe and Ito's colours, told apart under every common colour blindness.
TRAIN_COLOUR, VALIDATION_COLOUR = "#0072B2", "#D55E00"
# With more labels than this the cells are smaller and the names stand upright.
MANY_LABELS = 10
# With more than this there is no room for numbers, and the whole matrix has this many inches.
MOST_NUMBERED, WHOLE = 40, 16.0


def draw_learning_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write `learning_curves_figure` to a PNG file."""
    save_figure(learning_curves_figure(history), path)


def learning_curves_figure(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw training loss and validation log loss over epochs, and validation accuracy and macro F1 beneath.

    A multi-label run has subset accuracy for accuracy.

    Args:
        history: The Trainer's log, as `history.json` holds it.
    """
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    loss, score = figure.subplots(2, 1, sharex=True)
    train = [entry for entry in history if "loss" in entry]
    validation = [entry for entry in history if "eval_log_loss" in entry]
    epochs = [entry["epoch"] for entry in validation]
    train_epochs, train_loss = [entry["epoch"] for entry in train], [entry["loss"] for entry in train]
    loss.plot(train_epochs, train_loss, ".-", color=TRAIN_COLOUR, label="train")
    loss.plot(
        epochs, [entry["eval_log_loss"] for entry in validation], "o--", color=VALIDATION_COLOUR, label="validation"
    )
    loss.set(ylabel="log loss (nats)", title="Loss", ylim=(0, None))
    for key, marker, colour, name in (
        ("eval_accuracy", "o-", TRAIN_COLOUR, "accuracy"),
        ("eval_subset_accuracy", "o-", TRAIN_COLOUR, "subset accuracy"),
        ("eval_macro_f1", "s--", VALIDATION_COLOUR, "macro F1"),
    ):
        if all(key in entry for entry in validation):
            # A marker at 1 stands half above the frame.
            score.plot(epochs, [entry[key] for entry in validation], marker, color=colour, label=name, clip_on=False)
    score.set(xlabel="epoch", ylabel="share", title="Validation", ylim=(None, 1))
    for axes, corner in ((loss, "upper right"), (score, "best")):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc=corner)
    return figure


def draw_confusion_matrix(
    counts: np.ndarray, names: Sequence[str], path: Path, *, normalized: bool = False, title: str = ""
) -> None:
    """Write `confusion_matrix_figure` to a PNG file."""
    save_figure(confusion_matrix_figure(counts, names, normalized=normalized, title=title), path)


def confusion_matrix_figure(
    counts: np.ndarray, names: Sequence[str], *, normalized: bool = False, title: str = ""
) -> Figure:
    """Draw a confusion matrix, true labels down, predicted labels across; beyond forty labels in colours alone.

    Args:
        counts: (true, predicted).
        names: The label names.
        normalized: Show each row as shares of its true label instead of counts.
        title: Above the picture.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell, font_size, rotation = (0.85, 10.0, 30) if len(names) <= MANY_LABELS else (0.4, 7.0, 90)
    numbered = len(names) <= MOST_NUMBERED
    if not numbered:
        # Points to the inch; a name is a little lower than its row.
        cell, font_size = WHOLE / len(names), min(7.0, 0.8 * 72 * WHOLE / len(names))
    names = [shortened(name) for name in names]
    margin = 0.09 * max(map(len, names))
    figure = Figure(
        figsize=(max(5.5, 1.6 + margin + cell * len(names)), max(3.6, 0.9 + margin + cell * len(names))),
        layout="constrained",
    )
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the true label", shrink=0.8, aspect=30)
    size: dict[str, Any] = {} if numbered else {"fontsize": font_size}
    axes.set_xticks(range(len(names)), names, rotation=rotation, ha="right" if rotation < 90 else "center", **size)
    axes.set_yticks(range(len(names)), names, **size)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for row, column in np.ndindex(counts.shape if numbered else (0, 0)):
        text = f"{shares[row, column]:.3f}" if normalized and counts[row, column] else str(counts[row, column])
        colour = "black" if shares[row, column] > 0.5 else "white"
        label = axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=font_size)
        # It is inside the axes; measuring hundreds of these for the layout would take seconds.
        label.set_in_layout(False)
    return figure
