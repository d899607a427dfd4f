from collections.abc import Callable
from pathlib import Path

import pytest

from bbc_classifier.data.articles import Articles
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.data.bbc import default_articles
from tests.tiny import tiny_config, tiny_tokenizer


@pytest.fixture(scope="session")
def bbc_articles() -> Articles:
    return default_articles()


@pytest.fixture
def save_classifier(tmp_path) -> Callable[..., Path]:
    """Return a maker of run folders that hold a tiny classifier of the given labels and its tokenizer."""

    def save(labels: list[str], *, bias: float = 0.0, **options: object) -> Path:
        config = PooledEncoderConfig(
            encoder_config=tiny_config(),
            id2label=dict(enumerate(labels)),
            label2id={name: index for index, name in enumerate(labels)},
            max_input_tokens=16,
            **options,
        )
        model = PooledEncoderForSequenceClassification(config)
        model.classifier.bias.data[0] += bias
        model.save_pretrained(tmp_path / "run" / "model")
        tiny_tokenizer().save_pretrained(tmp_path / "run" / "model")
        return tmp_path / "run"

    return save
