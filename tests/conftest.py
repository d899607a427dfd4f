"""Shared by every test: no network, one thread, and tiny models that are built once."""

import os
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
import torch
from transformers.utils import logging

from tests.tiny import LABELS, save_tiny_encoder, tiny_classifier, tiny_tokenizer


@pytest.fixture(autouse=True, scope="session")
def _quiet_single_thread():
    torch.set_num_threads(1)
    logging.disable_progress_bar()


@pytest.fixture(autouse=True)
def _restore_random_state():
    """Restore the global random state, so that the order of tests changes nothing."""
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def tiny_bert_dir(tmp_path_factory):
    """A tiny BERT checkpoint with its tokenizer; read-only."""
    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory):
    """A tiny classifier of business and sport, saved as training saves it; read-only."""
    path = tmp_path_factory.mktemp("classifier") / "model"
    tiny_classifier(id2label=dict(enumerate(LABELS[::3])), max_input_tokens=16).save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return path


@pytest.fixture
def chromium():
    """A browser: the system's Chromium, or what the variable CHROMIUM names."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "this test needs Chromium: apt-get install chromium, or CHROMIUM=path"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def without_openvino(monkeypatch):
    """Run graphs in onnxruntime: a signal crashes a pytest process that has loaded OpenVINO."""
    monkeypatch.setattr("bbc_classifier.inference.classifier.HAS_OPENVINO", False)
