"""The metric works offline wherever the `evaluate` library takes one, and equals our own figures."""

import time

import datasets
import evaluate
import numpy as np
import pytest

from bbc_classifier.evaluation.classification_report import ClassificationReport
from bbc_classifier.evaluation.metrics import label_metrics

REFERENCES, PREDICTIONS = [0, 1, 2, 2, 4], [0, 1, 1, 2, 0]
EXPECTED = label_metrics(np.array(REFERENCES), np.array(PREDICTIONS), 5)
TEXTS = ["shares fell in the market", "goal of the match", "film and music", "party vote", "phone software"]


def test_the_figures_are_those_of_label_metrics():
    assert ClassificationReport().compute(predictions=PREDICTIONS, references=REFERENCES) == EXPECTED


def test_batches_add_up():
    metric = ClassificationReport()
    for start in (0, 2, 4):
        metric.add_batch(predictions=PREDICTIONS[start : start + 2], references=REFERENCES[start : start + 2])
    assert metric.compute() == EXPECTED


def test_the_number_of_labels_can_be_more_than_the_rows_show():
    figures = ClassificationReport().compute(predictions=[0, 1], references=[0, 1], num_labels=4)
    assert figures["macro_f1"] == pytest.approx(0.5)


def test_metrics_combine():
    both = evaluate.combine([ClassificationReport(), ClassificationReport()])
    figures = both.compute(predictions=PREDICTIONS, references=REFERENCES)
    assert sorted(figures.values()) == sorted([*EXPECTED.values(), *EXPECTED.values()])


def test_the_evaluator_takes_a_model_of_ours_and_its_tokenizer(tiny_classifier, tokenizer):
    model = tiny_classifier(max_input_tokens=16)
    labels = [model.config.label_names[index] for index in REFERENCES]
    figures = evaluate.evaluator("text-classification").compute(
        model_or_pipeline=model,
        tokenizer=tokenizer,
        data=datasets.Dataset.from_dict({"text": TEXTS, "label": labels}).cast_column(
            "label", datasets.ClassLabel(names=model.config.label_names)
        ),
        metric=ClassificationReport(),
        label_mapping=model.config.label2id,
    )
    ids = [tokenizer(text, return_tensors="pt") for text in TEXTS]
    predicted = np.array([int(model(**encoded).logits.argmax()) for encoded in ids])
    classes = int(max(predicted.max(), max(REFERENCES))) + 1
    expected = label_metrics(np.array(REFERENCES), predicted, classes)
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_a_failed_call_neither_slows_nor_spoils_a_later_one():
    failing = ClassificationReport()
    with pytest.raises(ValueError):
        failing.compute(predictions=[0, 1], references=[0])
    started = time.perf_counter()
    for _ in range(5):
        assert ClassificationReport().compute(predictions=PREDICTIONS, references=REFERENCES) == EXPECTED
    # A lock left on disk would make each of the five wait a second.
    assert time.perf_counter() - started < 2
