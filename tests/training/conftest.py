"""Synthetic texts whose words give their topic away, and trainings of a tiny encoder that take a second."""

import dataclasses

import pytest

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments
from bbc_classifier.training.train import train
from tests.tiny import LABELS

WORDS = ("shares market", "film music", "minister vote", "goal match", "phone software")
TOPIC_WORDS = dict(zip(LABELS, WORDS, strict=True))
TAGS = ["business", "sport", "tech"]


def topics(each=20):
    """Return texts of very different lengths and their labels."""
    numbers = range(each)
    texts = [f"the {words} {number} " * (1 + number % 7) for words in TOPIC_WORDS.values() for number in numbers]
    return texts, [label for label in TOPIC_WORDS for _ in numbers]


def titled():
    """Return `topics` with a title each, which becomes an excerpt."""
    texts, labels = topics()
    return [f"{text.split()[1]} news {number}\n{text}" for number, text in enumerate(texts)], labels


def tagged():
    """Return texts about none to all of three topics, one of which is rare, and their labels."""
    texts, labels = [], []
    for number in range(120):
        has = (number % 2 == 0, number // 2 % 2 == 0, number % 6 == 5)
        labels.append([tag for tag, there in zip(TAGS, has, strict=True) if there])
        texts.append(" ".join(["the", *map(TOPIC_WORDS.__getitem__, labels[-1]), str(number)] * (1 + number % 3)))
    return texts, labels


@pytest.fixture
def run(tiny_bert_dir, tmp_path, monkeypatch):
    """Return a function that trains in `tmp_path / name`; options go to the dataclass that has them.

    Figures take half of the time and are not drawn; `monkeypatch.undo()` draws them.
    """
    for name in ("plot_confusion_matrix", "plot_label_errors"):
        monkeypatch.setattr(f"bbc_classifier.evaluation.evaluate.{name}", lambda *args, **kwargs: None)
    monkeypatch.setattr("bbc_classifier.training.train.plot_learning_curves", lambda *args, **kwargs: None)

    def call(name="run", dataset=None, **options):
        defaults = {"encoder": str(tiny_bert_dir), "max_length": 24, "precision": "fp32", "learning_rate": 5e-3}
        defaults |= {"per_device_train_batch_size": 8, "disable_tqdm": True, "output_dir": str(tmp_path / name)}
        python = {key: options.pop(key) for key in ("compute_metrics", "callbacks") if key in options}
        options, groups = {**defaults, **options}, []
        for group in (ModelArguments, DataArguments, TrainArguments):
            groups.append({f.name: options.pop(f.name) for f in dataclasses.fields(group) if f.name in options})
        arguments = (ModelArguments(**groups[0]), DataArguments(**groups[1]))
        training = TrainArguments(**groups[2], trainer_kwargs=options)
        return train(*arguments, training, dataset=topics() if dataset is None else dataset, **python)

    return call


def weights(result):
    return (result.run_dir.model / "model.safetensors").read_bytes()
