"""Figures of any number of labels have a size to look at, and say what they show."""

import struct

import numpy as np
import pytest

from bbc_classifier import plots

pytestmark = pytest.mark.filterwarnings("error")
HISTORY = [
    *({"loss": 1.6 / (1 + step / 20), "epoch": step / 93, "step": step} for step in range(5, 190, 5)),
    {"eval_log_loss": 0.2, "eval_accuracy": 0.95, "eval_macro_f1": 0.949, "epoch": 1.0, "step": 93},
    {"eval_log_loss": 0.3, "eval_accuracy": 0.97, "eval_macro_f1": 0.968, "epoch": 2.0, "step": 186},
]


def png_size(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def texts(figure):
    return [text.get_text() for text in figure.findobj(plots.Text) if text.get_text()]


@pytest.mark.parametrize(("labels", "name_length"), [(2, 1), (5, 13), (20, 40), (50, 20), (3, 10_000)])
def test_confusion_matrices_of_any_size(tmp_path, labels, name_length):
    counts, names = np.full((labels, labels), 2), [f"{index:x}".rjust(name_length, "n") for index in range(labels)]
    counts[0] = 0
    figure = plots.plot_confusion_matrix(counts, names, tmp_path / "m.png", title="the run", normalized=labels < 9)
    assert {"the run", "0.500" if labels == 2 else "the run"} <= set(texts(figure))
    width, height = png_size(tmp_path / "m.png")
    assert 450 <= width <= 3000 and 450 <= height <= 3000
    assert labels > 40 or min(width, height) / labels >= 55  # room for the number in a cell


def test_learning_curves_mark_the_kept_epoch_and_keep_the_legend_off_the_curves():
    figure = plots.plot_learning_curves(HISTORY, title="run", best_step=93)
    assert [axes.get_ylabel() for axes in figure.axes] == ["log loss (nats)", "score"]
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1] == [1.0]
    figure.draw_without_rendering()
    assert "kept checkpoint (epoch 1)" in texts(figure)
    assert figure.legends[0].get_window_extent().y1 <= figure.axes[1].get_tightbbox().y0
    multi_label = [{"eval_log_loss": 0.2, "eval_subset_accuracy": 0.4, "eval_macro_f1": 0.6, "epoch": 1.0, "step": 9}]
    for history, score in ((HISTORY[:1], "accuracy"), ([], "accuracy"), (multi_label, "subset accuracy")):
        assert {score, "macro F1"} <= set(texts(plots.plot_learning_curves(history)))


@pytest.mark.parametrize("labels", [1, 200])
def test_label_figures_of_any_number_of_labels(tmp_path, labels):
    names = [f"{'x' * 30} {number}" for number in range(labels)]
    per_label = {name: {"tp": 900 * number, "fp": 0, "fn": number} for number, name in enumerate(names)}
    counts = {split: dict.fromkeys(names, 3) for split in ("train", "test")}
    for plot, data in ((plots.plot_label_errors, per_label), (plots.plot_label_counts, counts)):
        figure = plot(data, tmp_path / "labels.png", title="run")
        width, height = png_size(tmp_path / "labels.png")
        assert width == 750 and 250 <= height <= 2000
        assert figure.axes[0].get_xlabel() == ("rows" if labels == 1 else "rows; 30 of 200 labels are shown")
    figure = plots.plot_lengths(np.array([1, 5000, 130, 600][: labels - 1]), "tokens", limits=(128, 512, 100_000))
    assert sum("→" in text for text in texts(figure)) == (0 if labels == 1 else 2)
