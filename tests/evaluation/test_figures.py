"""Figures are PNG files of a size to look at, equal for equal data, with two labels or thirty."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bbc_classifier.evaluation.figures import draw_confusion_matrix, draw_learning_curves
from bbc_classifier.evaluation.label_counts_figure import draw_label_counts

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
    [(2, 1, False), (2, 1, True), (5, 13, False), (5, 13, True), (10, 30, False), (30, 40, True)],
)
def test_a_confusion_matrix_of_any_size_is_a_picture_to_look_at(tmp_path, labels, name_length, normalized):
    names = [f"{index:x}".rjust(name_length, "n") for index in range(labels)]
    path = tmp_path / "figures" / "confusion.png"
    draw_confusion_matrix(matrix(labels), names, path, normalized=normalized, title="bbc-news, test, n = 317")
    width, height = png_size(path)
    assert 500 <= width <= 3000 and 500 <= height <= 3000
    # A cell must have room for its number: five characters of 7 points at 150 dots to the inch.
    assert min(width, height) / labels >= 55


def label_counts(labels: int, name_length: int) -> dict[str, dict[str, int]]:
    draws = np.random.default_rng(0).integers(0, 900, (labels, 3))
    draws[0] = 0
    kinds = ("tp", "fp", "fn")
    return {
        f"{index:x}".rjust(name_length, "n"): dict(zip(kinds, map(int, row), strict=True))
        for index, row in enumerate(draws)
    }


@pytest.mark.parametrize(("labels", "name_length"), [(1, 1), (5, 13), (10, 30), (40, 40)])
def test_the_counts_of_any_number_of_labels_are_a_picture_to_look_at(tmp_path, labels, name_length):
    path = tmp_path / "figures" / "label_counts.png"
    draw_label_counts(label_counts(labels, name_length), path, title="tags, test, n = 317")
    width, height = png_size(path)
    assert 500 <= width <= 3000 and 500 <= height <= 3000
    # A bar must have room for its number: 8 points at 150 dots to the inch.
    assert height / labels >= 40


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
