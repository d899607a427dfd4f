"""The loss of each problem type. Class weights and label smoothing shape training only; in evaluation it is plain."""

import torch
import torch.nn.functional as functional

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


def infer_problem_type(num_labels: int, labels: torch.Tensor) -> str:
    """Return the problem type that the library infers when a config names none."""
    if num_labels == 1:
        return "regression"
    return "multi_label_classification" if labels.is_floating_point() else "single_label_classification"


def sequence_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    problem_type: str,
    class_weights: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Return the scalar loss of a batch, in float32.

    Args:
        logits: (batch, labels).
        labels: (batch,) int64 class indices; (batch, labels) 0/1 for multi-label; (batch,) or (batch, labels) floats
            for regression.
        problem_type: One of `PROBLEM_TYPES`.
        class_weights: (labels,) weight of each class; the loss is the weighted mean over rows (single label) or over
            row-label cells (multi-label). Regression has no classes and takes none.
        label_smoothing: Share of the target spread evenly over the classes (C. Szegedy et al., CVPR 2016). Weights act
            on rows by their true class, never on the spread share, so smoothing keeps its meaning under weights.
    """
    logits = logits.float()
    if problem_type == "regression":
        return functional.mse_loss(logits.reshape(labels.shape), labels.float())
    if problem_type == "multi_label_classification":
        targets = labels.float() * (1 - label_smoothing) + label_smoothing / 2
        cells = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        weights = torch.ones_like(cells) if class_weights is None else class_weights.expand_as(cells)
        return (cells * weights).sum() / weights.sum()
    labels = labels.reshape(-1)
    rows = functional.cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)
    weights = torch.ones_like(rows) if class_weights is None else class_weights[labels]
    return (rows * weights).sum() / weights.sum()
