"""Every figure, in one palette. Each function returns it, and writes a PNG if given a `path`; `title` names the run."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from bbc_classifier.io import atomic_write

# Okabe and Ito's colors, distinguishable under every common color blindness; their yellow is too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#666666")
BLUE, ORANGE, GREEN, PINK, SKY, AMBER, GRAY = PALETTE
Counts = Mapping[str, Mapping[str, int]]
WIDTH, DPI = 5.0, 150  # inches, and dots per inch
MAX_BARS = 30  # only the largest are shown
MAX_NUMBERED = 40  # labels of a confusion matrix; with more, color alone


def plot_confusion_matrix(
    counts: Any, label_names: Sequence[str], path: Path | None = None, *, title: str = "", normalized: bool = False
) -> Figure:
    """Plot counts (true, predicted), or with `normalized` the share of each true label."""
    counts, size = np.asarray(counts), len(label_names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Many labels have smaller cells, and very many no numbers in them.
    cell, font, rotation = (0.62, 9.0, 35) if size <= 10 else (min(0.42, 16.8 / size), min(7.0, 900 / size), 90)
    names = [shortened(name) for name in label_names]
    inches = 1.0 + 0.07 * max(map(len, names)) + cell * size
    figure, axes = _figure(max(3.0, inches), max(WIDTH, inches))
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(size), names, rotation=rotation, ha="right" if rotation < 90 else "center", fontsize=font)
    axes.set_yticks(range(size), names, fontsize=font)
    axes.set(xlabel="predicted label", ylabel="true label")
    if size > MAX_NUMBERED:
        figure.colorbar(image, label="share of the true label", shrink=0.8, aspect=30)
    for row, column in np.ndindex(counts.shape if size <= MAX_NUMBERED else (0, 0)):
        share = shares[row, column]
        text = f"{share:.3f}" if normalized and counts[row, column] else str(counts[row, column])
        color = "black" if share > 0.5 else "white"
        # They are inside the axes; measuring hundreds of them for the layout takes seconds.
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=font).set_in_layout(False)
    return _finish(figure, path, title, grid=None)


def plot_learning_curves(
    history: Sequence[Mapping[str, Any]], path: Path | None = None, *, title: str = "", best_step: int | None = None
) -> Figure:
    """Plot losses and validation scores over epochs of a `history.json`; the kept checkpoint's epoch is marked."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    loss, score = figure.subplots(2, 1, sharex=True)
    train = [(entry["epoch"], entry["loss"]) for entry in history if "loss" in entry]
    loss.plot(*np.reshape(train, (-1, 2)).T, ".-", markersize=3, color=BLUE, label="training loss")
    validation = [entry for entry in history if "eval_log_loss" in entry]
    epochs, losses = ([entry[key] for entry in validation] for key in ("epoch", "eval_log_loss"))
    loss.plot(epochs, losses, "o--", color=ORANGE, label="validation log loss")
    accuracy = "subset_accuracy" if any("eval_subset_accuracy" in entry for entry in validation) else "accuracy"
    for name, color, style in ((accuracy, GREEN, "s-"), ("macro_f1", PINK, "D--")):
        values, label = [entry[f"eval_{name}"] for entry in validation], name.replace("_", " ").replace("f1", "F1")
        score.plot(epochs, values, style, color=color, label=label, clip_on=False)
    for epoch in [entry["epoch"] for entry in validation if entry["step"] == best_step]:
        loss.axvline(epoch, color=GRAY, linestyle=":", label=f"kept checkpoint (epoch {epoch:.3g})")
        score.axvline(epoch, color=GRAY, linestyle=":")
    loss.set(ylabel="log loss (nats)", ylim=(0, None))
    score.set(xlabel="epoch", ylabel="score", ylim=(None, 1))
    return _finish(figure, path, title, legend_columns=2)


def plot_label_errors(per_label: Counts, path: Path | None = None, *, title: str = "") -> Figure:
    """Plot `tp`, `fn` and `fp` of each label of a multi-label test; of many labels, those with the most errors."""
    names = sorted(per_label, key=lambda name: -(per_label[name]["fp"] + per_label[name]["fn"]))[:MAX_BARS]
    tp, fp, fn = (np.array([per_label[name][kind] for name in names]) for kind in ("tp", "fp", "fn"))
    parts = {"true positive": tp, "false negative": fn, "false positive": -fp}
    numbers = [f"{hits} + {misses}" for hits, misses in zip(tp, fn, strict=True)]
    figure, axes = _stacked_bars(names, len(per_label), parts, (BLUE, AMBER, ORANGE), numbers)
    for row, count in enumerate(fp):
        axes.text(-count, row, f"{count} ", va="center", ha="right", fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.margins(x=0.3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    return _finish(figure, path, title, legend_columns=3, grid="x")


def plot_label_counts(label_counts: Counts, path: Path | None = None, *, title: str = "") -> Figure:
    """Plot the rows of each label, stacked by split; rows that are not split are one split of any name."""
    total = sum((Counter(counts) for counts in label_counts.values()), Counter[str]())
    names = [name for name, _ in total.most_common(MAX_BARS)]
    parts = {split: np.array([counts.get(name, 0) for name in names], int) for split, counts in label_counts.items()}
    figure, axes = _stacked_bars(names, len(total), parts, PALETTE, [f"{total[name]:,}" for name in names])
    axes.margins(x=0.18)
    return _finish(figure, path, title, legend_columns=3 if len(parts) > 1 else 0, grid="x")


def plot_lengths(
    lengths: np.ndarray, unit: str, path: Path | None = None, *, title: str = "", limits: Sequence[int] = ()
) -> Figure:
    """Plot a histogram of text lengths in `unit`, and at each of `limits` the share of longer texts."""
    figure, axes = _figure(3.2)
    lengths = np.maximum(np.asarray(lengths), 1)
    low, high = (lengths.min(), lengths.max()) if len(lengths) else (1, 1)
    bins = np.unique(np.geomspace(low, high + 1, 41).round()).tolist()
    axes.hist(lengths, bins=bins, color=BLUE, edgecolor="white", linewidth=0.3)
    axes.set(xlabel=unit, ylabel="texts", ylim=(0, 1.2 * axes.get_ylim()[1]))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    for limit in [limit for limit in limits if low <= limit <= 2 * high]:
        axes.axvline(limit, color="black", linestyle="--", linewidth=0.8)
        share = f" {np.mean(lengths > limit):.0%} →"
        axes.text(limit, 0.98, share, va="top", fontsize=8, transform=axes.get_xaxis_transform())
    return _finish(figure, path, title, grid="y")


def plot_accuracy(configurations: Sequence[Mapping[str, Any]], path: Path | None = None, *, title: str = "") -> Figure:
    """Plot accuracy and its 95 % interval by seed of a comparison's `configurations`, without the majority's."""
    configurations = [row for row in configurations if row["name"] != "majority"] or configurations
    figure, axes = _figure(1.1 + 0.5 * len(configurations))
    axes.set(ylim=(len(configurations) - 0.5, -0.7), yticks=[])
    for row, config in enumerate(configurations):
        color, marker = (GRAY, "s") if config["baseline"] else (BLUE, "o")
        accuracies = [100 * seed["metrics"]["accuracy"] for seed in config["per_seed"]]
        groups = f" ({''.join(config['groups'])})" if config["groups"] else ""
        name = f"{shortened(config['name'], 44)}{groups} {np.mean(accuracies):.2f}"
        axes.text(0.0, row - 0.22, name, va="bottom", fontsize=9, transform=axes.get_yaxis_transform())
        offsets = np.linspace(-0.1, 0.3, len(accuracies) + 2)[1:-1]
        for offset, accuracy, seed in zip(offsets, accuracies, config["per_seed"], strict=True):
            interval = [100 * bound for bound in seed["intervals"]["accuracy"]]
            axes.plot(interval, [row + offset] * 2, color=color, linewidth=1.5)
            axes.plot(accuracy, row + offset, marker, color=color, markersize=5)
    axes.set_xlabel("accuracy in % (mean by the name); a point and 95 % interval\nper seed; squares are baselines")
    axes.spines["left"].set_visible(False)
    return _finish(figure, path, title, grid="x")


def plot_accuracy_by_rows(curves: Sequence[Mapping[str, Any]], path: Path | None = None, *, title: str = "") -> Figure:
    """Plot `accuracy` over `train_rows`, a line per `name`: the `learning_curves` of a comparison's results."""
    names = list(dict.fromkeys(row["name"] for row in curves))
    figure, axes = _figure(3.4 + 0.11 * len(names))
    for number, name in enumerate(names):
        points = sorted((row["train_rows"], 100 * row["accuracy"]) for row in curves if row["name"] == name)
        color, marker = PALETTE[number % len(PALETTE)], "osD^vPXhp<>"[number % 11]  # 77 different lines
        axes.plot(*zip(*points, strict=True), label=shortened(name), color=color, marker=marker)
    ticks = sorted({round(row["train_rows"]) for row in curves})
    axes.set(xlabel="training rows", ylabel="accuracy in %", xscale="log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    return _finish(figure, path, title, legend_columns=2)


def plot_rates(cases: Mapping[str, Mapping[str, float]], path: Path | None = None, *, title: str = "") -> Figure:
    """Plot texts a second, on a logarithmic axis, of every contender in each of `cases` (contender: rate)."""
    figure, axes = _figure(4.4, width=1.15 * WIDTH)
    for number, name in enumerate(next(iter(cases.values()))):
        color, marker = (*PALETTE, "black")[number % 8], "osD^vPXhp"[number % 9]
        axes.plot([case[name] for case in cases.values()], list(cases), marker, color=color, ls="-", label=name)
    axes.set(xscale="log", xlabel="texts a second")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.invert_yaxis()
    return _finish(figure, path, title, legend_columns=2)


def shortened(name: str, length: int = 24) -> str:
    """Return a name cut to `length` characters, with an ellipsis if it is longer."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _figure(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _stacked_bars(
    names: Sequence[str], of: int, parts: Mapping[str, np.ndarray], colors: Sequence[str], numbers: Sequence[str]
) -> tuple[Figure, Axes]:
    """Return a figure with a stack of bars per name and its number; negative bars point to the left."""
    figure, axes = _figure(1.6 + 0.3 * len(names))
    left = np.zeros(len(names), dtype=int)
    for (part, values), color in zip(parts.items(), colors, strict=False):
        axes.barh(range(len(names)), values, left=np.where(values < 0, 0, left), color=color, label=part)
        left += np.maximum(values, 0)
    for row, number in enumerate(numbers):
        axes.text(left[row], row, f" {number}", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), [shortened(name) for name in names], fontsize=9)
    axes.set_ylim(max(len(names), 4) - 0.5, -0.5)  # a single bar would fill the figure
    axes.set_xlabel("rows" if of == len(names) else f"rows; {len(names)} of {of} labels are shown")
    return figure, axes


def _finish(figure: Figure, path: Path | None, title: str, grid: Any = "both", legend_columns: int = 0) -> Figure:
    """Add title, grid and legend, take all text literally, and write the PNG: equal figures are equal files."""
    figure.suptitle(title, fontsize=10)
    if grid is not None:
        for axes in figure.axes:
            axes.grid(axis=grid, alpha=0.3)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
    if legend_columns:
        figure.legend(loc="outside lower center", ncols=legend_columns, frameon=False, fontsize=8)
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    if path is not None:
        with atomic_write(path) as tmp_path, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(tmp_path, format="png", dpi=DPI, metadata={"Software": None})
    return figure
