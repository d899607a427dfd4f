"""A small source of synthetic articles, and training options that finish in a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import Source, open_source
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.non_finite_loss import StopOnNonFiniteLoss
from bbc_classifier.training.run import train
from bbc_classifier.training.run_folder import RunFolder
from tests.conftest import LABELS

TOPIC_WORDS = {
    "business": "shares market",
    "entertainment": "film music",
    "politics": "minister vote",
    "sport": "goal match",
    "tech": "phone software",
}
TAGS = ["business", "sport", "tech"]


class SyntheticNews:
    """A hundred texts whose words give their topic away, of very different lengths."""

    name = "synthetic"

    def read(self) -> Dataset:
        rows = [
            {"row_id": f"{label}/{number}", "text": f"the {words} {number} " * (1 + number % 7), "label": label}
            for label, words in TOPIC_WORDS.items()
            for number in range(20)
        ]
        features = Features({"row_id": Value("string"), "text": Value("string"), "label": ClassLabel(names=LABELS)})
        return Dataset.from_list(rows, features=features)

    def identity(self) -> str:
        return self.name

    def provenance(self) -> dict[str, Any]:
        return {"name": self.name}


class SyntheticTags:
    """Texts about none to all of three topics, each of which their words give away; one topic is rare."""

    name = "synthetic tags"

    def read(self) -> Dataset:
        rows = [
            {"row_id": f"row/{number:03}", "text": self.text(number), "label": list(map(TAGS.index, self.tags(number)))}
            for number in range(120)
        ]
        features = {"row_id": Value("string"), "text": Value("string"), "label": List(ClassLabel(names=TAGS))}
        return Dataset.from_list(rows, features=Features(features))

    def tags(self, number: int) -> list[str]:
        """Return the tags of a row: every second row has the first, every sixth the last."""
        has = number % 2 == 0, number // 2 % 2 == 0, number % 6 == 5
        return [tag for tag, there in zip(TAGS, has, strict=True) if there]

    def text(self, number: int) -> str:
        return " ".join(["the", *(TOPIC_WORDS[tag] for tag in self.tags(number)), str(number)] * (1 + number % 3))

    def identity(self) -> str:
        return self.name

    def provenance(self) -> dict[str, Any]:
        return {"name": self.name}


@pytest.fixture
def synthetic_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `--dataset bbc-news` name the synthetic articles."""
    replace_bbc_news(monkeypatch, SyntheticNews())


@pytest.fixture
def synthetic_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `--dataset bbc-news` name the synthetic multi-label articles."""
    replace_bbc_news(monkeypatch, SyntheticTags())


def replace_bbc_news(monkeypatch: pytest.MonkeyPatch, source: Source) -> None:
    def open_other(options: DataArguments) -> Source:
        return source if options.dataset == "bbc-news" else open_source(options)

    monkeypatch.setattr("bbc_classifier.data.articles.open_source", open_other)


@pytest.fixture
def run_training(synthetic_news: None, tiny_bert_folder: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    """Return a caller of `train` on the synthetic articles."""
    return tiny_training(tiny_bert_folder, tmp_path)


@pytest.fixture
def run_tagging(synthetic_tags: None, tiny_bert_folder: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    """Return a caller of `train` on the synthetic multi-label articles."""
    return tiny_training(tiny_bert_folder, tmp_path)


def tiny_training(encoder: Path, parent: Path) -> Callable[..., RunFolder]:
    """Return a caller of `train` on the tiny BERT: keyword arguments go to the group of options that has them."""

    def run(folder: str = "run", **options: Any) -> RunFolder:
        model = {"encoder": str(encoder), "frozen_layers": 0, **_take(options, ModelArguments)}
        data = {"max_length": 24, **_take(options, DataArguments)}
        training = {"disable_tqdm": True, "per_device_train_batch_size": 8, "learning_rate": 5e-3, **options}
        return train(
            ModelArguments(**model),
            DataArguments(**data),
            ClassifierTrainingArguments(output_dir=str(parent / folder), **training),
        )

    return run


def _take(options: dict[str, Any], group: type) -> dict[str, Any]:
    return {name: options.pop(name) for name in list(options) if name in group.__dataclass_fields__}


def weights(folder: RunFolder) -> bytes:
    return (folder.model / "model.safetensors").read_bytes()


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Stop the next training as Ctrl-C would, after `step` steps."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(StopOnNonFiniteLoss, "on_step_end", on_step_end)
