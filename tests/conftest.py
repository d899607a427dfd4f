"""What every test shares: no network, one thread, and tiny models that are built once."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.hub_server import HubServer
from tests.tiny import save_tiny_encoder, tiny_config, tiny_tokenizer

LABELS = ["business", "entertainment", "politics", "sport", "tech"]


@pytest.fixture(autouse=True, scope="session")
def _quiet_single_thread() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()


@pytest.fixture(autouse=True)
def _restore_random_state() -> Iterator[None]:
    """Leave the global random state as it was, so that the order of tests changes nothing."""
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def tiny_bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT checkpoint with its tokenizer; read it, do not write to it."""
    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny-bert")


@pytest.fixture(scope="session")
def _classifiers() -> dict[tuple[str, str], PooledEncoderForSequenceClassification]:
    return {}


@pytest.fixture
def tiny_classifier(_classifiers: dict) -> Callable[..., PooledEncoderForSequenceClassification]:
    """Return a maker of tiny classifiers in evaluation mode; each call returns a copy of its own."""

    def make(family: str = "bert", pooling: str = "mean", **options: object) -> PooledEncoderForSequenceClassification:
        key = (family, pooling, repr(sorted(options.items())))
        if key not in _classifiers:
            torch.manual_seed(0)
            config = PooledEncoderConfig(
                encoder_config=tiny_config(family),
                pooling=pooling,
                id2label=dict(enumerate(LABELS)),
                label2id={name: index for index, name in enumerate(LABELS)},
                **options,
            )
            _classifiers[key] = PooledEncoderForSequenceClassification(config).eval()
        return copy.deepcopy(_classifiers[key])

    return make


@pytest.fixture(scope="session")
def unreadable_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An encoder that cannot be loaded: bad data must be refused before that is tried."""
    folder = save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "unreadable")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    return str(folder)


@pytest.fixture(scope="session")
def tiny_classifier_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny classifier of business and sport, as training saves it."""
    labels = {"id2label": {0: "business", 1: "sport"}, "label2id": {"business": 0, "sport": 1}}
    config = PooledEncoderConfig(encoder_config=tiny_config(), max_input_tokens=16, **labels)
    folder = tmp_path_factory.mktemp("classifier")
    PooledEncoderForSequenceClassification(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def _hub() -> Iterator[HubServer]:
    """A Hub on the loopback; each test makes the repositories it needs."""
    with HubServer() as hub:
        yield hub


@pytest.fixture
def hub(_hub: HubServer) -> Iterator[HubServer]:
    """The Hub, without the faults of the test before."""
    yield _hub
    _hub.faults.clear()
