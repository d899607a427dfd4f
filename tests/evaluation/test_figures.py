"""Figures are PNG files of a size to look at, equal for equal data, with two labels or thirty."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bbc_classifier.evaluation.figures import confusion_matrix_figure, draw_confusion_matrix, draw_learning_curves
from bbc_classifier.evaluation.label_counts_figure import draw_label_counts
from bbc_classifier.figure_file import save_figure

HISTORY = [
    *({"loss": 1.6 / (1 + step / 20), "epoch": step / 93, "grad_norm": 1.0} for step in range(5, 280, 5)),
    {"eval_log_loss": 0.2, "eval_accuracy": 0.95, "eval_macro_f1": 0.949, "epoch": 1.0},
    {"eval_log_loss": 0.12, "eval_accuracy": 0.97, "eval_macro_f1": 0.968, "epoch": 2.0},
    {"train_runtime": 60.0, "train_loss": 0.3, "epoch": 2.0},
]
SHORT_HISTORY = [
    {"loss": 1.5, "epoch": 0.1},
    {"eval_log_loss": 0.2, "eval_accuracy": 1.0, "eval_macro_f1": 1.0, "epoch": 1.0},
]
MULTI_LABEL_HISTORY = [
    {"loss": 0.5, "epoch": 0.1},
    {"eval_log_loss": 0.2, "eval_subset_accuracy": 0.4, "eval_macro_f1": 0.6, "epoch": 1.0},
]


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height out of the header, and check the first and the last chunk."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def matrix(labels: int) -> np.ndarray:
    counts = np.random.default_rng(0).integers(0, 3, (labels, labels))
    counts[np.arange(labels), np.arange(labels)] = 1200
    return counts


@pytest.mark.parametrize(
    ("labels", "name_length", "normalized"),
    [
        *((2, 1, False), (2, 1, True), (5, 13, False), (5, 13, True), (10, 30, False), (30, 40, True)),
        *((41, 20, False), (200, 20, False)),
    ],
)
def test_a_confusion_matrix_of_any_size_is_a_picture_to_look_at(tmp_path, labels, name_length, normalized):
    names = [f"{index:x}".rjust(name_length, "n") for index in range(labels)]
    path = tmp_path / "figures" / "confusion.png"
    draw_confusion_matrix(matrix(labels), names, path, normalized=normalized, title="bbc-news, test, n = 317")
    width, height = png_size(path)
    assert 500 <= width <= 3000 and 500 <= height <= 3000
    # A cell must have room for its number, if it has one: five characters of 7 points at 150 dots to the inch.
    assert labels > 40 or min(width, height) / labels >= 55


def label_counts(labels: int, name_length: int) -> dict[str, dict[str, int]]:
    draws = np.random.default_rng(0).integers(0, 900, (labels, 3))
    draws[0] = 0
    kinds = ("tp", "fp", "fn")
    return {
        f"{index:x}".rjust(name_length, "n"): dict(zip(kinds, map(int, row), strict=True))
        for index, row in enumerate(draws)
    }


@pytest.mark.parametrize(("labels", "name_length"), [(1, 1), (5, 13), (10, 30), (40, 40), (200, 20)])
def test_the_counts_of_any_number_of_labels_are_a_picture_to_look_at(tmp_path, labels, name_length):
    path = tmp_path / "figures" / "label_counts.png"
    draw_label_counts(label_counts(labels, name_length), path, title="tags, test, n = 317")
    width, height = png_size(path)
    assert 500 <= width <= 3000 and 500 <= height <= 3000
    # A bar must have room for its number: 8 points at 150 dots to the inch.
    assert height / min(labels, 40) >= 40


def test_the_numbers_beside_the_longest_bars_are_inside_the_picture(monkeypatch, tmp_path):
    drawn: list[Figure] = []
    save = "bbc_classifier.evaluation.label_counts_figure.save_figure"
    monkeypatch.setattr(save, lambda figure, _: drawn.append(figure))
    draw_label_counts({"a": {"tp": 900, "fp": 700, "fn": 99}, "b": {"tp": 3, "fp": 0, "fn": 0}}, tmp_path / "x.png")
    save_figure(drawn[0], tmp_path / "x.png")
    axes = drawn[0].axes[0]
    frame = axes.get_window_extent()
    for text in axes.texts:
        extent = text.get_window_extent()
        assert frame.x0 <= extent.x0 and extent.x1 <= frame.x1


def test_names_are_no_formulas_and_characters_without_a_font_are_said_once(tmp_path, recwarn, caplog):
    names = [r"$\foo$", "a_b^c", "\u0e01\u0e02"]
    draw_confusion_matrix(matrix(3), names, tmp_path / "confusion.png", title="x$a^$b.csv")
    assert png_size(tmp_path / "confusion.png")
    assert not recwarn.list
    assert [record.getMessage() for record in caplog.records] == [
        "confusion.png: this machine has no font for 2 characters; they are boxes there"
    ]


@pytest.mark.parametrize(
    "history",
    [HISTORY, SHORT_HISTORY, MULTI_LABEL_HISTORY],
    ids=["three epochs", "one epoch", "multi-label"],
)
def test_learning_curves_are_a_picture_to_look_at(tmp_path, history):
    draw_learning_curves(history, tmp_path / "curves.png")
    assert png_size(tmp_path / "curves.png") == (1050, 960)


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: draw_confusion_matrix(matrix(3), list("abc"), path, title="three"),
        lambda path: draw_learning_curves(HISTORY, path),
        lambda path: draw_label_counts(label_counts(3, 5), path),
    ],
    ids=["confusion matrix", "learning curves", "label counts"],
)
def test_equal_figures_are_equal_files(tmp_path, draw: Callable[[Path], None]):
    draw(tmp_path / "one.png")
    draw(tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "one.png").read_bytes().lower()


def test_a_label_that_no_row_has_is_drawn_without_a_warning(tmp_path, recwarn):
    counts = np.array([[3, 1], [0, 0]])
    draw_confusion_matrix(counts, ["seen", "never"], tmp_path / "confusion.png", normalized=True)
    assert png_size(tmp_path / "confusion.png")
    assert not recwarn.list


def test_a_label_that_is_a_sentence_makes_no_giant_picture():
    names = ["x" * 100_000, "sport"]
    width, height = confusion_matrix_figure(np.eye(2, dtype=int), names).get_size_inches()
    assert width < 12 and height < 12
