"""The label figures as a module of the `evaluate` library, in the package, so that no network is needed."""

from typing import Any

import datasets
import evaluate
import numpy as np

from bbc_classifier.evaluation.metrics import label_metrics

DESCRIPTION = "Accuracy, and macro and weighted precision, recall and F1, of single-label predictions."


class ClassificationReport(evaluate.Metric):
    """`label_metrics` behind the interface of `evaluate`, for its `evaluator` among others.

    Give `evaluator("text-classification").compute` a model instance and its tokenizer. Instances keep their inputs in
    memory: on disk, one failed call would leave a lock that slows every later call.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{"keep_in_memory": True, **kwargs})

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation="",
            inputs_description="predictions and references: class indices; num_labels: number of classes, optional.",
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(
        self, predictions: list[int], references: list[int], num_labels: int | None = None
    ) -> dict[str, float]:
        labels, predicted = np.asarray(references), np.asarray(predictions)
        return label_metrics(labels, predicted, num_labels or int(max(labels.max(), predicted.max())) + 1)
